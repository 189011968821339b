"""Tasks for a Celery worker with the server as broker and as store of results: CELERY_TEST_SERVER is host:port."""

import os

import celery

_SERVER = os.environ["CELERY_TEST_SERVER"]

app = celery.Celery("celery_app", broker=f"redis://{_SERVER}/0", backend=f"redis://{_SERVER}/1")
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=2,
    result_extended=True,
    broker_transport_options={"visibility_timeout": 300},
    broker_connection_retry=False,
    result_backend_transport_options={"retry_policy": {"max_retries": 2, "interval_max": 0.1}},
    worker_send_task_events=True,
    task_send_sent_event=True,
)


@app.task
def add(left, right):
    """The sum; each run is counted, so that a task done twice is seen."""
    app.backend.client.hincrby("runs", f"add:{left}:{right}", 1)
    return left + right


@app.task
def total(numbers):
    return sum(numbers)


@app.task(bind=True, max_retries=5, default_retry_delay=0)
def fail_first(self, failures):
    """Succeeds after so many retries; returns how many there were."""
    if self.request.retries < failures:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task
def refuse(reason):
    raise ValueError(reason)


@app.task
def echo(text):
    return text
