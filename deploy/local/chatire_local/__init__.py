"""The launcher: installs, starts, watches and stops a whole Chatire on one machine, without root or Docker."""
