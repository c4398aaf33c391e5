"""Work on another computer that is reached by OpenSSH: its hosts, its warm worker, and runs that go on there."""
