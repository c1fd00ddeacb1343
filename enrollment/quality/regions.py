"""Regions of the face mesh, as polygons of its point numbers (MediaPipe's numbering; right is the person's right)."""

from types import MappingProxyType

RIGHT_CHEEK = (117, 118, 101, 36, 205, 50)
LEFT_CHEEK = (346, 347, 330, 266, 425, 280)
FOREHEAD = (67, 109, 10, 338, 297, 337, 151, 108)
NOSE_BRIDGE = (193, 168, 417, 351, 6, 122)
NOSE_TIP = (45, 4, 275, 294, 327, 2, 98, 64)
PHILTRUM = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 327, 2, 98)
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
CHIN = (91, 181, 84, 17, 314, 405, 321, 394, 379, 378, 400, 377, 152, 148, 176, 149, 150, 169)
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_EYE_SOCKET = (46, 53, 52, 65, 55, 193, 128, 121, 120, 119, 118, 117, 111, 35)
LEFT_EYE_SOCKET = (276, 283, 282, 295, 285, 417, 357, 350, 349, 348, 347, 346, 340, 265)
# OFIQ's cheek areas for uniform light reach from the eye to the corner of the mouth.
RIGHT_HALF_CHEEK = (116, 117, 118, 119, 100, 142, 36, 205, 187, 147, 123)
LEFT_HALF_CHEEK = (345, 346, 347, 348, 329, 371, 266, 425, 411, 376, 352)

RIGHT_EYE_CORNERS, RIGHT_EYE_LIDS = (33, 133), (160, 158, 153, 144)
LEFT_EYE_CORNERS, LEFT_EYE_LIDS = (362, 263), (385, 387, 373, 380)
RIGHT_LIDS = (159, 145)
LEFT_LIDS = (386, 374)
LIPS_INSIDE = (13, 14)
MOUTH_CORNERS = (61, 291)
CHIN_POINT = 152

EYES = MappingProxyType(
    {
        "right": (RIGHT_EYE, RIGHT_EYE_SOCKET, RIGHT_CHEEK),
        "left": (LEFT_EYE, LEFT_EYE_SOCKET, LEFT_CHEEK),
    }
)
"""For each eye: the opening between the lids, the socket around it, the cheek below."""
