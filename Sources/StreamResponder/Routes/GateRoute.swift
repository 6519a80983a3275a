public import FastCGI
public import Observability
import StreamIssuing

/// The handler of a gate socket's worker: health and metrics. It never waits for a dependency or for the log reader.
public final class GateRoute: RequestHandler {
    private let registry: MetricRegistry
    private let readiness: any ReadinessSource
    private var text = JSONText()

    public init(_ registry: MetricRegistry, _ readiness: any ReadinessSource) {
        self.registry = registry
        self.readiness = readiness
    }

    public func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse) {
        respond(
            path: request.parameter("DOCUMENT_URI"), accept: request.parameter("HTTP_ACCEPT"),
            instance: request.instance, with: &response)
    }

    func respond(path: String?, accept: String?, instance: String, with response: inout FastCGIResponse) {
        switch path {
        case "/healthz": answer(200, #"{"status":"alive"}"#, "application/json", &response)
        case "/readyz": answerReadiness(&response)
        case "/metrics":
            let format = ExpositionFormat(accept: accept)
            answer(200, registry.exposition(format), format.contentType, &response)
        default: response.answer(.notFound, instance: instance, using: &text)
        }
    }

    private func answerReadiness(_ response: inout FastCGIResponse) {
        let state = readiness.dependencies
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
            if let warning = outcome.warning {
                text.append(",\"warning\":")
                text.append(quoted: warning)
            }
            if let lag = outcome.replicaLag {
                text.append(",\"replicaLagMs\":")
                text.append(Int64(lag / .milliseconds(1)))
            }
            if outcome.isOptional { text.append(",\"optional\":true") }
            text.append("},")
        }
        // The service does not start without keys; where new ones are refused it keeps the previous ones.
        text.append(quoted: readiness.secretsName)
        if let refusal = readiness.reloadRefusal {
            text.append(":{\"status\":\"failed\",\"reason\":")
            text.append(quoted: "reload refused, the former keys and credentials stay: \(refusal)")
            text.append(",\"optional\":true}}}")
        } else {
            text.append(":{\"status\":\"ok\"}}}")
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
