"""The media whose contacts are virtual calls, a room each. The core knows none of them by name."""
