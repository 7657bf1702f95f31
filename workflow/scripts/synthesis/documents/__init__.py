"""Pages written from the code: reference, README, schemas."""
