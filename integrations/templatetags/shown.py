"""`{% load shown %}`: chips and times in templates."""

from django import template

from integrations import shown

register = template.Library()
register.simple_tag(shown.chip, name="chip")
register.filter("when", shown.when)
register.filter("distance", shown.distance)
