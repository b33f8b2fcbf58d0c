"""From app_queue to callfloor: an acd.conf made of an existing queues.conf and queuerules.conf.

    queues.conf, queuerules.conf --acd.conf.read--> sections       as Asterisk reads them, templates and #include too
    sections --options, members, penalties--> drafts               what each line means here
    drafts --page--> text of an acd.conf, and notes                what has no counterpart, what is only alike

What a line of app_queue means follows Asterisk 22's app_queue.c and queues.conf.sample. Nothing is dropped in silence:
each line that does not mean the same here is noted with its file and line. Input is whatever lies in somebody's
/etc/asterisk, so no line may stop the others: Asterisk skips what it cannot read, and so does this.
"""

from acd.importer.page import Imported, import_queues

__all__ = ["Imported", "import_queues"]
