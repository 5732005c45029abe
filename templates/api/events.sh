# Read what happened, in one order that never changes. The first call begins at the beginning.
api "$PORTAL/api/vendor/v1/events?limit=200" | tee events.json
CURSOR=$(sed 's/.*"cursor": *"\([0-9]*\)".*/\1/' events.json)

# Go on behind the last cursor that you have handled. While next is not null, there is more at once.
api "$PORTAL/api/vendor/v1/events?after=$CURSOR"
