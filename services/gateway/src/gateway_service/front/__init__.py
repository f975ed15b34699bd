"""The slim front: sockets without Autobahn, without a task, queue or timer each (docs/architecture.md)."""
