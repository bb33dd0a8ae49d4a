"""OCPP over web sockets: the central system's side and a station's."""
