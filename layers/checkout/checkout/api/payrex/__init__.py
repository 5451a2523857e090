"""PayRex's dialect: form bodies, Basic authentication, epoch seconds."""
