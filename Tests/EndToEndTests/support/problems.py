"""Problem details (RFC 9457) as the contract spells them."""

import json

TYPES = {
    "unauthorized": (401, "Authentication required", "A valid bearer token is required."),
    "forbidden": (403, "Access denied", "You do not have access to this resource."),
    "rate-limit-exceeded": (429, "Rate limit exceeded", "The allowance of 60 requests a minute is used up."),
    "invalid-track-id": (400, "Invalid track ID", "The track ID is not a ULID of 26 characters."),
    "track-not-found": (404, "Track not found", "There is no track with this ID."),
    "waveform-not-found": (404, "Waveform not found", "This track has no waveform."),
    "track-not-ready": (409, "Track not ready for streaming", None),
    "service-unavailable": (503, "Service unavailable", "The service cannot answer right now. Try again later."),
    "bad-request": (400, "Bad request", "The request is not valid HTTP."),
    "not-found": (404, "Not found", "There is nothing at this path."),
    "method-not-allowed": (405, "Method not allowed", "Only POST is allowed here."),
    "precondition-failed": (412, "Precondition failed", "A precondition of the request does not hold."),
    "content-too-large": (413, "Content too large", "The request body is larger than 16384 bytes."),
    "uri-too-long": (414, "URI too long", "The request line is too long."),
    "request-header-fields-too-large": (431, "Request header fields too large", "A request header is too long."),
    "internal-error": (500, "Internal error", "The service failed to answer. Try again later."),
    "not-implemented": (501, "Not implemented", "The request uses a transfer coding that is not supported."),
    "http-version-not-supported": (505, "HTTP version not supported", "This HTTP version is not supported."),
    "too-many-connections": (
        429, "Too many connections", "Too many requests of this client are in work at the same time."),
}


# After "Track is currently …."
ADVICE = {
    "Processing": "Please wait until processing completes.",
    "Failed": "Its processing did not succeed.",
    "Deleted": "It cannot be streamed.",
}


def body(slug, instance, detail=None, extensions=None):
    status, title, usual = TYPES[slug]
    members = {
        "type": f"https://novatune.dev/errors/{slug}", "title": title, "status": status, "detail": detail or usual,
        "instance": instance,
    }
    if extensions:
        members["extensions"] = extensions
    return json.dumps(members, separators=(",", ":"))


def assert_problem(answer, slug, instance, detail=None, extensions=None):
    """Status, headers that every problem has, and the whole body, byte by byte."""
    assert answer.status == TYPES[slug][0], answer
    assert answer.body.decode() == body(slug, instance, detail, extensions)
    assert_problem_headers(answer)


def assert_not_ready(answer, track_id, status):
    """`track_id` as it was spelled in the request."""
    assert_problem(
        answer, "track-not-ready", path(track_id), f"Track is currently {status}. {ADVICE[status]}",
        {"trackId": track_id.upper(), "currentStatus": status})


def assert_problem_headers(answer):
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Correlation-Id")
    assert answer.header("X-Content-Type-Options") == "nosniff"


def path(track, route="stream"):
    return f"/tracks/{track}/{route}"
