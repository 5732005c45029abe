from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of an old page, or of another site."""
    return render(request, "403_csrf.html", status=403)
