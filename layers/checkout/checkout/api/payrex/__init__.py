"""PayRex's dialect: form bodies, Basic keys, epoch seconds."""
