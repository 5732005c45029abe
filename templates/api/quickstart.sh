# A token, good for half an hour. Staff make the client under “Engines” in admin, or by manage.py create_engine_client.
TOKEN=$(curl -sf "$PORTAL/oauth/token" -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials |
  sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
alias api='curl -sf -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json"'

# A package: what customers order. The address names it; send it again to change it.
api -X PUT "$PORTAL/api/vendor/v1/packages/shop-manager" -d '{
  "type": "SKILL_TEST", "name": "Shop manager", "description": "Three situations from a day in a shop",
  "assessments": [{"id": "situations", "type": "SKILL_TEST", "name": "Situations"}]}'

# Orders that nobody has taken, oldest first. They are yours for a minute; accept them, and they stay yours.
api -X POST "$PORTAL/api/vendor/v1/orders/lease" -d '{"max": 1, "seconds": 60}' | tee order.json
ORDER=$(sed 's/.*"id": *"\(ord_[a-z0-9]*\)".*/\1/' order.json)

# Accept, and say where the candidate's assessment begins. Afterwards, send the candidate to the order's return_url.
api -X POST "$PORTAL/api/vendor/v1/orders/$ORDER/accept" -d '{"launch_url": "https://engine.example/start/42"}'

# A report, as a file (PDF, PNG, JPEG up to 10 MB). It goes out with the next result.
curl -sf -H "Authorization: Bearer $TOKEN" -F file=@report.pdf "$PORTAL/api/vendor/v1/orders/$ORDER/attachments"

# The result. Send what you know, when you know it; what you leave out stays as it is. Scores are whole numbers.
api -X PATCH "$PORTAL/api/vendor/v1/orders/$ORDER/result" -d '{
  "status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}, "score_label": "Promising",
  "summary": "Listens well, hesitates with the till.", "submission_date": "2026-11-24T09:30:00Z"}'

# Whether it stands in SmartRecruiters: "delivery" is "delivered" when it does, and the timeline says the rest.
api "$PORTAL/api/vendor/v1/orders/$ORDER"
api "$PORTAL/api/vendor/v1/orders/$ORDER/timeline"
