"""Pages for people: server-rendered templates and small ES modules, under a strict content security policy."""
