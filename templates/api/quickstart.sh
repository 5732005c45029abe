# Get a token, valid for half an hour. Staff create the client under “Engines” in admin or with manage.py create_engine_client.
TOKEN=$(curl -sf "$PORTAL/oauth/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials |
  sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
alias api='curl -sf -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json"'

# Publish a package, which customers order. Its id is in the URL; send it again to change it.
api -X PUT "$PORTAL/api/vendor/v1/packages/shop-manager" -d '{
  "type": "SKILL_TEST", "name": "Shop manager", "description": "Three situations from a day in a shop",
  "assessments": [{"id": "situations", "type": "SKILL_TEST", "name": "Situations"}]}'

# Lease orders that are not yet accepted, oldest first. They are reserved for you for a minute, and permanently once you accept them.
api -X POST "$PORTAL/api/vendor/v1/orders/lease" -d '{"max": 1, "seconds": 60}' | tee order.json
ORDER=$(sed 's/.*"id": *"\(ord_[a-z0-9]*\)".*/\1/' order.json)

# Accept the order and say where its assessment starts. Afterwards, send the candidate to the order's return_url.
api -X POST "$PORTAL/api/vendor/v1/orders/$ORDER/accept" -d '{"launch_url": "https://engine.example/start/42"}'

# Upload a report file (PDF, PNG or JPEG, up to 10 MB). It is sent with the next result.
curl -sf -H "Authorization: Bearer $TOKEN" -F file=@report.pdf "$PORTAL/api/vendor/v1/orders/$ORDER/attachments"

# Report the result. Send what you know when you know it; omitted fields keep their values. Scores are whole numbers.
api -X PATCH "$PORTAL/api/vendor/v1/orders/$ORDER/result" -d '{
  "status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}, "score_label": "Promising",
  "summary": "Listens well, hesitates with the till.", "submission_date": "2026-11-24T09:30:00Z"}'

# Check that it reached SmartRecruiters: then "delivery" is "delivered". The timeline has the details.
api "$PORTAL/api/vendor/v1/orders/$ORDER"
api "$PORTAL/api/vendor/v1/orders/$ORDER/timeline"
