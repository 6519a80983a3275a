import Observability
import TestSupport
import Testing

@testable import FastCGI
@testable import StreamResponder

@Suite struct GateRouteTests {
    private struct FixedReadiness: ReadinessSource {
        var dependencies = [
            DependencyHealth(name: "database", failure: nil, isOptional: false),
            DependencyHealth(name: "cache", failure: nil, isOptional: true),
        ]
        var reloadRefusal: String?
    }

    private func answer(
        _ path: String?, _ readiness: FixedReadiness = .init(), accept: String? = nil
    ) -> (head: [Substring], body: Substring) {
        let registry = MetricRegistry()
        registry.gauge("test_figure", "A figure.") { 7 }
        var response = FastCGIResponse()
        GateRoute(registry, readiness).respond(path: path, accept: accept, instance: "/asked", with: &response)
        let text = String(decoding: response.bytes, as: UTF8.self)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        return (parts[0].split(separator: "\r\n"), parts.count > 1 ? parts[1] : "")
    }

    @Test func runningProcessIsAlive() {
        let (head, body) = answer("/healthz")
        #expect(head.first == "Status: 200 OK" && head.contains("Cache-Control: no-store"))
        #expect(body == #"{"status":"alive"}"#)
    }

    @Test func readyWhereEveryDependencyAnswers() {
        let (head, body) = answer("/readyz")
        #expect(head.first == "Status: 200 OK")
        #expect(
            body
                == #"{"status":"ready","dependencies":{"database":{"status":"ok"},"cache":{"status":"ok","optional":true},"keys":{"status":"ok"}}}"#
        )
    }

    @Test func standbyIsShownWithItsLag() {
        var readiness = FixedReadiness()
        readiness.dependencies[0] = DependencyHealth(
            name: "database", failure: nil, isOptional: false, replicaLag: .milliseconds(1234))
        #expect(answer("/readyz", readiness).body.contains(#""database":{"status":"ok","replicaLagMs":1234}"#))
    }

    @Test func notReadyWithoutARequiredDependency() {
        var readiness = FixedReadiness()
        readiness.dependencies[0] = DependencyHealth(
            name: "database", failure: "a \"quoted\" reason", isOptional: false)
        let (head, body) = answer("/readyz", readiness)
        #expect(head.first == "Status: 503 Service Unavailable" && head.contains("Retry-After: 5"))
        #expect(
            body.hasPrefix(
                #"{"status":"not ready","dependencies":{"database":{"status":"failed","reason":"a \"quoted\" reason"}"#)
        )
    }

    @Test func warningAboutADependencyThatAnswersIsShown() {
        var readiness = FixedReadiness()
        readiness.dependencies[0] = DependencyHealth(
            name: "database", failure: nil, isOptional: false, warning: "a clock")
        let (head, body) = answer("/readyz", readiness)
        #expect(head.first == "Status: 200 OK" && body.contains(#""database":{"status":"ok","warning":"a clock"}"#))
    }

    @Test func readyWithoutAnOptionalDependency() {
        var readiness = FixedReadiness(reloadRefusal: "no such file")
        readiness.dependencies[1] = DependencyHealth(name: "cache", failure: "refused", isOptional: true)
        let (head, body) = answer("/readyz", readiness)
        #expect(head.first == "Status: 200 OK")
        #expect(body.contains(#""cache":{"status":"failed","reason":"refused","optional":true}"#))
        #expect(body.contains("the former keys and credentials stay: no such file"))
    }

    @Test(arguments: [
        Row("text/plain", nil), Row("application/openmetrics-text", "application/openmetrics-text; version=1.0.0"),
    ])
    func metricsAreInTheRequestedFormat(_ row: Row<String?>) {
        let (head, body) = answer("/metrics", accept: row.value)
        #expect(head.contains { $0.hasPrefix("Content-Type: \(row.name)") })
        #expect(body.contains("test_figure 7"))
    }

    @Test(arguments: ["/", "/healthz/", "/Readyz", nil] as [String?])
    func otherPathIsNotFound(_ path: String?) {
        let (head, body) = answer(path)
        #expect(head.first == "Status: 404 Not Found" && body.contains(#""instance":"/asked""#))
    }
}
