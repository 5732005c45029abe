# Read the events in a fixed order. The first call starts with the oldest.
api "$PORTAL/api/vendor/v1/events?limit=200" | tee events.json
CURSOR=$(sed 's/.*"cursor": *"\([0-9]*\)".*/\1/' events.json)

# Continue after the last cursor that you have handled. While next is not null, more events are ready.
api "$PORTAL/api/vendor/v1/events?after=$CURSOR"
