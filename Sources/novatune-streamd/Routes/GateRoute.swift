import BearerTokens
import FastCGI
import Observability
import RequestTraces
import StreamIssuing
import Tracing

/// What a worker of the gate socket does: nginx's token checks, health and metrics. None of it waits for a dependency, or for whoever reads the log.
final class GateRoute: RequestHandler {
    private let resources: Resources
    private var edition: Int
    private var verifier: TokenVerifier
    private let telemetry: Telemetry
    private let events: RequestEvents
    private let monitor: DependencyMonitor
    private var text = JSONText()

    init(_ resources: Resources, _ monitor: DependencyMonitor) {
        self.resources = resources
        let edition = resources.secrets.value
        self.edition = edition.number
        verifier = resources.makeTokenVerifier(edition)
        telemetry = resources.telemetry
        events = RequestEvents(telemetry, mayWait: false)
        self.monitor = monitor
    }

    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse) {
        switch request.parameter("DOCUMENT_URI") {
        case "/_gate/token": checkToken(request, &response)
        case "/healthz": answer(200, #"{"status":"alive"}"#, "application/json", &response)
        case "/readyz": answerReadiness(&response)
        case "/metrics": answerMetrics(request, &response)
        default: response.answer(.notFound, instance: request.instance, using: &text)
        }
    }

    /// For nginx's auth_request, which reads no body: 204 and the user's id, which nginx limits by; 401 with a challenge; 403. Whoever is
    /// refused gets no further, so that this is the answer to the request.
    private func checkToken(_ request: borrowing FastCGIRequest, _ response: inout FastCGIResponse) {
        if !resources.secrets.isCurrent(edition) {
            let current = resources.secrets.value
            edition = current.number
            verifier = resources.makeTokenVerifier(current)
        }
        let start = ContinuousClock.now
        var userID: ULID?
        do {
            let listener = try verifier.listener(request.parameter("HTTP_AUTHORIZATION")) { userID = $0.userID }
            telemetry.tokens.acceptedToken()
            response.start(status: 204)
            response.header("X-User-Id", listener.userID.description)
            response.finishWithoutBody()
        } catch {
            telemetry.tokens.refusedToken(error)
            response.start(status: error.kind.status)
            if let challenge = error.challenge { response.header("WWW-Authenticate", challenge.header) }
            response.finishWithoutBody()
            tellRefusal(request, error, userID, after: start.duration(to: .now))
        }
    }

    private func tellRefusal(_ request: borrowing FastCGIRequest, _ problem: Problem, _ userID: ULID?, after duration: Duration) {
        let parent = request.parameter("HTTP_TRACEPARENT").flatMap { TraceParent($0) }
        let correlationID = request.parameter("CORRELATION_ID") ?? ""
        let trackText = StreamPath.trackText(request.instance)
        let span = resources.traces?.tracer.root(.getURL, continuing: parent, correlationID: correlationID, begun: duration)
        let refused = events.request
        refused.begin(correlationID: correlationID, traceID: (span?.traceID ?? parent?.traceID)?.description)
        refused.trackID = trackText.flatMap { ULID($0) }
        (refused.userID, refused.problem, refused.duration) = (userID, problem, duration)
        events.refusedAtGate()
        guard let span else { return }
        refused.describe(in: span, isOfStreamRoute: trackText != nil)
        span.end()
    }

    private func answerMetrics(_ request: borrowing FastCGIRequest, _ response: inout FastCGIResponse) {
        let format = ExpositionFormat(accept: request.parameter("HTTP_ACCEPT"))
        answer(200, telemetry.registry.exposition(format), format.contentType, &response)
    }

    private func answerReadiness(_ response: inout FastCGIResponse) {
        let state = monitor.state
        let isReady = state.allSatisfy { $0.failure == nil || $0.isOptional }
        text.removeAll()
        text.append(isReady ? "{\"status\":\"ready\"" : "{\"status\":\"not ready\"")
        text.append(",\"dependencies\":{")
        for outcome in state {
            text.append(quoted: outcome.name)
            text.append(outcome.failure == nil ? ":{\"status\":\"ok\"" : ":{\"status\":\"failed\"")
            if let failure = outcome.failure {
                text.append(",\"reason\":")
                text.append(quoted: failure)
            }
            if outcome.isOptional { text.append(",\"optional\":true") }
            text.append("},")
        }
        // The service does not start without keys; refused new ones leave it with the former.
        if let refusal = telemetry.reloadRefusal {
            text.append("\"keys\":{\"status\":\"failed\",\"reason\":")
            text.append(quoted: "reload refused, the former keys and credentials stay: \(refusal)")
            text.append(",\"optional\":true}}}")
        } else {
            text.append("\"keys\":{\"status\":\"ok\"}}}")
        }
        answer(isReady ? 200 : 503, text.bytes, "application/json", &response)
    }

    private func answer(_ status: Int, _ body: String, _ type: String, _ response: inout FastCGIResponse) {
        answer(status, Array(body.utf8), type, &response)
    }

    private func answer(_ status: Int, _ body: [UInt8], _ type: String, _ response: inout FastCGIResponse) {
        response.start(status: status)
        response.header("Content-Type", type)
        response.header("Cache-Control", "no-store")
        if status == 503 { response.header("Retry-After", "5") }
        response.finish(body: body)
    }
}
