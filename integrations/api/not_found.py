from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from integrations.api.errors import STATUS_DETAILS


@extend_schema(exclude=True)
class NotFoundView(APIView):
    """Answer 404 for unknown URLs of the engine's API, after authentication (401 comes before 404)."""

    required_scope = "vendor"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(STATUS_DETAILS[404])
