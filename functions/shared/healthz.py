"""What the API says of its health, for who says it and who asks."""

PATH = "/healthz"
# What a healthy region answers; Route 53 looks for it in as many bytes.
SERVING = "serving"
LOOKED_AT_BYTES = 5_120
