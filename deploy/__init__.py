"""Files for putting the processes on machines: settings, units, and what Mosquitto, Patroni and HAProxy read."""
