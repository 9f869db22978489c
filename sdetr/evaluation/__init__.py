"""Numbers from predictions. No torch anywhere in this room."""
