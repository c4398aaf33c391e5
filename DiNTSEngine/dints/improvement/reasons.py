"""Why a prediction and a reference may differ: what panels list beside a case."""

SIDE = "side exchanged"
EXCHANGED = "labels exchanged"
MISSING = "label missing"
SHIFTED = "shifted"
PROTOCOL = "another protocol"
UNCLEAR = "unclear"
