# Register an endpoint: an https URL on a public host. Only this response shows its secret.
api -X POST "$PORTAL/api/vendor/v1/webhooks" -d '{
  "url": "'"$HOOK"'", "events": ["order.created", "delivery.failed"]}' | tee webhook.json
WEBHOOK=$(sed 's/.*"id": *"\(wh_[a-z0-9]*\)".*/\1/' webhook.json)
WEBHOOK_SECRET=$(sed 's/.*"secret": *"\([^"]*\)".*/\1/' webhook.json)

# Send a test message. Its data is {"test": true}.
api -X POST "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK/test"

# Rotate the secret. For a day every message is signed with the former one, too, so that you have time to replace it.
api -X POST "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK/rotate" | tee webhook.json

# Change the events or the URL. This also switches an endpoint on again and sends its waiting messages.
api -X PATCH "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK" -d '{"events": ["order.created", "order.expired"]}'

# Delete the endpoint. Nothing more is sent to it.
api -X DELETE "$PORTAL/api/vendor/v1/webhooks/$WEBHOOK"
