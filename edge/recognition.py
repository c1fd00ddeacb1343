"""From a frame to what is known about the person in front: detector, tracker, embedder and votes in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from edge.camera.port import Frame
from edge.covering import Covering, CoveringMeasure, CoveringVote
from edge.engines import FaceDetector
from edge.liveness import Cue, Evidence, Liveness, LivenessPolicy, LivenessScorer, LivenessVote
from edge.matcher import Match
from edge.motion import MotionLimits, MotionWatch
from edge.search import Search
from edge.selection import FaceLimits, Obstacle, Zone, nearest
from edge.spoof_cues import CueReader
from edge.tracker import Appearance, Track, Tracker, TrackPolicy
from edge.vote import Identification, IdentificationOutcome, Vote, VotePolicy
from models.detector import Detection
from models.face import Face

_UNIDENTIFIED = {IdentificationOutcome.UNKNOWN, IdentificationOutcome.AMBIGUOUS}


@dataclass(frozen=True, slots=True)
class RecognitionPolicy:
    """Everything that can be tuned between a frame and an identification."""

    zone: Zone = field(default_factory=Zone)
    limits: FaceLimits = field(default_factory=FaceLimits)
    track: TrackPolicy = field(default_factory=TrackPolicy)
    vote: VotePolicy = field(default_factory=VotePolicy)
    liveness: LivenessPolicy = field(default_factory=LivenessPolicy)
    motion: MotionLimits = field(default_factory=MotionLimits)
    """When a picture with nobody in it is looked at anew."""
    recheck: float = 1.0
    """Seconds after which a settled track is looked at again, in case somebody else took its place."""
    retry: float = 0.25
    """The same for a track that was given up as unknown: the next frames may be better ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What one frame said about the person in front."""

    tracks: frozenset[int]
    """Ids of every face in view."""
    track_id: int | None = None
    """The one in front; None with nobody in the zone."""
    face: Face | None = None
    obstacle: Obstacle | None = None
    """Why it did not vote, if it could not be seen well enough."""
    identification: Identification | None = None
    """Standing of its vote; None before its first frame counted."""
    match: Match | None = None
    voted: bool = False
    """Whether this very frame was counted."""
    liveness: Liveness = Liveness.OPEN
    """Standing; LIVE where nobody asks."""
    liveness_score: float | None = None
    """The networks' mean so far, None without them."""
    spoof_cue: Cue | None = None
    """What speaks against a living face, None when nothing does."""
    covering: Covering | None = None
    """What covers a face that nobody is recognised in."""
    first_seen: float | None = None
    """Monotonic seconds at which the track began."""
    appearances: Mapping[str, Appearance] = field(default_factory=dict)
    """What was embedded of the track so far, by model, for a comparison 1:1."""


class _TrackState:
    __slots__ = ("covering_vote", "cues", "last_embedded", "liveness_vote", "vote")

    def __init__(self, policy: RecognitionPolicy, cues: CueReader | None, *, check_liveness: bool) -> None:
        self.vote = Vote(policy.vote)
        self.covering_vote = CoveringVote()
        self.cues = cues
        self.liveness_vote = LivenessVote(policy.liveness) if check_liveness else None
        self.last_embedded = float("-inf")

    @property
    def liveness(self) -> Liveness:
        return Liveness.LIVE if self.liveness_vote is None else self.liveness_vote.standing

    @property
    def is_settled(self) -> bool:
        return self.vote.standing.outcome is IdentificationOutcome.PERSON and self.liveness is Liveness.LIVE


class Recogniser:
    """Follows the faces of one camera. Not safe for threads: one frame after the other."""

    def __init__(
        self,
        detector: FaceDetector,
        policy: RecognitionPolicy | None = None,
        *,
        same_person: Callable[[str], float | None] = lambda _model: None,
        liveness: LivenessScorer | None = None,
        cues: Callable[[], CueReader] | None = None,
        covering: CoveringMeasure | None = None,
    ) -> None:
        """Take what measures the faces.

        `same_person` tells of a model the cosine below which two looks at a track are two people. `liveness` scores
        single frames, `cues` makes a reader for each track; without both every face is alive.
        """
        self._detector = detector
        self._policy = policy or RecognitionPolicy()
        self._liveness = liveness
        self._cues = cues
        self._covering = covering
        self._tracker = Tracker(self._policy.track, same_person=same_person)
        self._motion = MotionWatch(self._policy.motion)
        self._states: dict[int, _TrackState] = {}
        self._in_front: int | None = None

    def recognise(self, frame: Frame, search: Search | None) -> Sighting:
        """Return what `frame` says. Without a `search` faces are followed, but nobody is looked up."""
        image, at = frame.image, frame.arrived
        found = self._find(frame)
        boxes = [detection.box for detection in found]
        tracks = self._tracker.update(boxes, at)
        self._forget_gone_tracks()
        before = next((index for index, track in enumerate(tracks) if track.id == self._in_front), None)
        front = nearest(boxes, self._policy.zone, image.shape[1], image.shape[0], in_front=before)
        if front is None:
            return self._sighting()
        # Everybody is followed; only whoever is in front is looked at closely.
        [face], track = self._detector.describe(image, [found[front]]), tracks[front]
        self._in_front = track.id
        obstacle = self._policy.limits.obstacle(face)
        if obstacle is not None or search is None:
            return self._sighting(track, face, obstacle=obstacle)
        if not self._is_due(track, at):
            return self._sighting(track, face)
        return self._count_vote(frame, face, track, search)

    def _find(self, frame: Frame) -> list[Detection]:
        """Return the faces of `frame`; with nobody followed, a picture like the last empty one is not looked at."""
        if self._tracker.tracks:
            return self._detector.find(frame.image)
        if self._motion.is_still(frame.image, frame.arrived):
            return []
        found = self._detector.find(frame.image)
        if not found:
            self._motion.remember_empty(frame.arrived)
        return found

    def _count_vote(self, frame: Frame, face: Face, track: Track, search: Search) -> Sighting:
        vectors = search.embed(frame.image, face)
        track = self._tracker.attach(track, vectors, frame.arrived)
        self._in_front = track.id
        state = self._state_of(track)
        state.last_embedded = frame.arrived
        if state.is_settled:
            return self._sighting(track, face)
        match, threshold = search.match(vectors)
        identification = state.vote.cast(match, threshold)
        if self._covering is not None and identification.support == 0:
            # Whoever is recognised may wear what they like: only a face that is nobody's is measured for this.
            state.covering_vote.cast(self._covering(frame.image, face))
        if state.liveness_vote is not None:
            state.liveness_vote.cast(self._gather_evidence(state, frame, face), frame.arrived)
        return self._sighting(track, face, match=match, voted=True)

    def _state_of(self, track: Track) -> _TrackState:
        if track.id not in self._states:
            check_liveness = self._liveness is not None or self._cues is not None
            cues = self._cues() if self._cues is not None else None
            self._states[track.id] = _TrackState(self._policy, cues, check_liveness=check_liveness)
        return self._states[track.id]

    def _gather_evidence(self, state: _TrackState, frame: Frame, face: Face) -> Evidence:
        evidence = Evidence() if state.cues is None else state.cues.read(frame.image, face, frame.arrived)
        if self._liveness is None:
            return evidence
        return replace(evidence, score=self._liveness.score(frame.image, face))

    def _is_due(self, track: Track, at: float) -> bool:
        state = self._states.get(track.id)
        if state is None:
            return True
        unidentified = state.vote.standing.outcome in _UNIDENTIFIED
        if state.is_settled:
            pause = self._policy.recheck
        elif unidentified or state.liveness is Liveness.SPOOF:
            pause = self._policy.retry
        else:
            pause = 0.0
        return at - state.last_embedded >= pause

    def _forget_gone_tracks(self) -> None:
        alive = {track.id for track in self._tracker.tracks}
        self._states = {number: state for number, state in self._states.items() if number in alive}

    def _sighting(
        self,
        track: Track | None = None,
        face: Face | None = None,
        *,
        obstacle: Obstacle | None = None,
        match: Match | None = None,
        voted: bool = False,
    ) -> Sighting:
        alive = frozenset(track.id for track in self._tracker.tracks)
        if track is None:
            return Sighting(alive)
        sighting = Sighting(
            tracks=alive,
            track_id=track.id,
            face=face,
            obstacle=obstacle,
            match=match,
            voted=voted,
            first_seen=track.first_seen,
            appearances=track.appearances,
        )
        state = self._states.get(track.id)
        if state is None:
            return sighting
        liveness_vote = state.liveness_vote
        return replace(
            sighting,
            identification=state.vote.standing,
            liveness=state.liveness,
            liveness_score=None if liveness_vote is None else liveness_vote.score,
            spoof_cue=None if liveness_vote is None else liveness_vote.spoof_cue,
            covering=None if state.is_settled else state.covering_vote.standing,
        )
