# Register an endpoint: an https address at a public host. The answer alone shows its secret.
api -X POST "$PORTAL/api/vendor/v1/webhooks" -d '{
  "url": "'"$HOOK"'", "events": ["order.created", "delivery.failed"]}' | tee webhook.json
WEBHOOK=$(sed 's/.*"id": *"\(wh_[a-z0-9]*\)".*/\1/' webhook.json)
WEBHOOK_SECRET=$(sed 's/.*"secret": *"\([^"]*\)".*/\1/' webhook.json)

# Try it: a message goes out that stands for nothing. Its data is {"test": true}.
api -X POST "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK/test"

# Take a new secret. For a day every message is signed with both, so that you can replace it in your own time.
api -X POST "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK/rotate" | tee webhook.json

# Change the events or the address. An endpoint that was off is on again, and what waited for it goes out.
api -X PATCH "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK" -d '{"events": ["order.created", "order.expired"]}'

# Take the endpoint away. Nothing is sent to it any more.
api -X DELETE "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK"
