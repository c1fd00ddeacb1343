"""The payments' API: terminals, holds, one's own account, the card centre."""
