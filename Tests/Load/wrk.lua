-- Cycles over a list of requests; each wrk thread has its share of it. Prints its summary as one line of JSON, last.
-- LOAD_REQUESTS: lines `TRACK USER-NUMBER`; LOAD_TOKENS: a token a line; LOAD_THREADS: wrk's -t.
local started = 0
function setup(thread)
    thread:set("number", started)
    started = started + 1
end

local requests, tokens, position = {}, {}, 0

function init()
    local threads, line = tonumber(os.getenv("LOAD_THREADS")), 0
    for token in io.lines(os.getenv("LOAD_TOKENS")) do tokens[#tokens + 1] = token end
    for request in io.lines(os.getenv("LOAD_REQUESTS")) do
        if line % threads == number then requests[#requests + 1] = request end
        line = line + 1
    end
end

function request()
    position = position % #requests + 1
    local track, user = requests[position]:match("^(%S+) (%d+)$")
    return "POST /tracks/" .. track .. "/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nAuthorization: Bearer "
        .. tokens[tonumber(user)] .. "\r\n\r\n"
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"bad_status":%d,"socket_errors":%d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
