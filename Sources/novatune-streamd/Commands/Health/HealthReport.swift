import StrictJSON

/// A page of the gate socket that says how the responder is.
enum HealthPage {
    case liveness, readiness

    var path: String {
        switch self {
        case .liveness: "/healthz"
        case .readiness: "/readyz"
        }
    }
}

/// What `health` prints: lines of what is, and what is wrong.
struct HealthReport: Equatable {
    var lines: [String] = []
    var failures: [String] = []

    init(failures: [String]) { self.failures = failures }

    /// - Parameter answer: of the page.
    init(_ page: HealthPage, _ answer: FastCGIAnswer) {
        guard let state = Self.state(answer.body), answer.status == 200 || (answer.status == 503 && page == .readiness)
        else {
            failures = [
                "\(page.path) was answered with status \(answer.status), and not as by a gate socket; "
                    + "the address must be NOVATUNE_GATE_LISTEN, not NOVATUNE_LISTEN"
            ]
            return
        }
        let dependencies = (state["dependencies"]?.objectValue?.members ?? []).compactMap { name, value in
            value.objectValue.map { Dependency(name, $0) }
        }
        let isWell = answer.status == 200
        if isWell {
            lines = [page == .liveness ? "alive" : "ready"]
        } else {
            failures = dependencies.filter { !$0.isOptional }.compactMap { $0.failure.map { "not ready: \($0)" } }
            if failures.isEmpty { failures = ["not ready"] }
        }
        lines += dependencies.filter(\.isOptional).compactMap { $0.failure.map { "\($0); requests go on without it" } }
        lines += dependencies.compactMap(\.warning)
    }

    private static func state(_ body: [UInt8]) -> JSONObject? {
        let state = try? JSONReader.read(body).objectValue
        guard let state, state["status"]?.stringValue != nil else { return nil }
        return state
    }

    private struct Dependency {
        let isOptional: Bool
        let failure: String?
        let warning: String?

        init(_ name: String, _ state: JSONObject) {
            isOptional = state["optional"] == .boolean(true)
            // Most reasons begin with the name.
            let reason = state["reason"]?.stringValue ?? "failed, without a reason"
            let named = reason.hasPrefix("\(name): ") ? reason : "\(name): \(reason)"
            failure = state["status"]?.stringValue == "ok" ? nil : named
            warning = state["warning"]?.stringValue.map { "\(name): \($0)" }
        }
    }
}
