import FastCGI
import Observability
import StreamIssuing
import StreamResponder

/// What a worker of the gate socket does: health and metrics. None of it waits for a dependency or for the log's reader.
final class GateRoute: RequestHandler {
    private let telemetry: Telemetry
    private let monitor: DependencyMonitor
    private var text = JSONText()

    init(_ resources: Resources, _ monitor: DependencyMonitor) {
        telemetry = resources.telemetry
        self.monitor = monitor
    }

    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse) {
        switch request.parameter("DOCUMENT_URI") {
        case "/healthz": answer(200, #"{"status":"alive"}"#, "application/json", &response)
        case "/readyz": answerReadiness(&response)
        case "/metrics": answerMetrics(request, &response)
        default: response.answer(.notFound, instance: request.instance, using: &text)
        }
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
