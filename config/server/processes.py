"""How many processes and threads `make serve` starts, and how many database connections they need.

A thread of the web server keeps its connection. A thread of a worker has one while it carries out a task. Each worker's
watchdog keeps one, and a courier's parking (integrations/outbox/sending/parking.py) has one while calls hang.
"""

WEB_PROCESSES, WEB_THREADS = 2, 4
COURIERS, COURIER_THREADS = 2, 32
DISPATCHER_THREADS = 2

KEPT_CONNECTIONS = WEB_PROCESSES * WEB_THREADS + COURIERS + 1
# Enough to work at all: each worker carries out one task at a time, and no command runs beside them.
MIN_CONNECTIONS = KEPT_CONNECTIONS + COURIERS + 1
# Enough under load, and for a `manage.py migrate`, which has two, and another command beside it.
MAX_CONNECTIONS = KEPT_CONNECTIONS + COURIERS * (COURIER_THREADS + 1) + DISPATCHER_THREADS + 3
