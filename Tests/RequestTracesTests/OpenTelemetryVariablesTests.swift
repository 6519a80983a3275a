import RequestTraces
import TestSupport
import Testing

@Suite struct OpenTelemetryVariablesTests {
    private static let collector = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"]

    /// With the endpoint of a collector.
    private func read(
        _ variables: [String: String], hasEndpoint: Bool = false, hasSampleRatio: Bool = false
    ) -> OpenTelemetryVariables {
        OpenTelemetryVariables(
            Self.collector.merging(variables) { $1 }, hasEndpoint: hasEndpoint, hasSampleRatio: hasSampleRatio)
    }

    private func names(_ variables: OpenTelemetryVariables) -> [String] { variables.issues.map(\.name) }

    @Test(arguments: [
        Row("http://collector:4318", "http://collector:4318/v1/traces"),
        Row("http://collector:4318/", "http://collector:4318/v1/traces"),
        Row("https://collector/otlp", "https://collector/otlp/v1/traces"),
    ])
    func pathOfTracesIsAddedToTheCommonEndpoint(_ row: Row<String>) {
        let destination = read(["OTEL_EXPORTER_OTLP_ENDPOINT": row.name]).destination
        #expect(destination?.url == row.value && destination?.name == "OTEL_EXPORTER_OTLP_ENDPOINT")
    }

    @Test(arguments: [
        Row("http://traces:4318", "http://traces:4318/"), Row("http://traces:4318/", "http://traces:4318/"),
        Row("http://traces:4318/v1/traces", "http://traces:4318/v1/traces"), Row("http://h/a/", "http://h/a/"),
    ])
    func endpointOfTracesWinsAndIsUsedAsItIs(_ row: Row<String>) {
        #expect(read(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": row.name]).destination?.url == row.value)
    }

    @Test(arguments: ["collector:4318", "ftp://collector", "http://user:canary@collector", "http://h/?token=canary"])
    func endpointThatIsNoneIsNamedAndIgnored(_ text: String) {
        let variables = read(["OTEL_EXPORTER_OTLP_ENDPOINT": text])
        #expect(variables.destination == nil && names(variables) == ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        #expect(!variables.issues.map(\.description).joined().contains("canary"))
        let other = read(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": text])
        #expect(other.destination?.url == "http://collector:4318/v1/traces")
        #expect(names(other) == ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
    }

    @Test func withoutAnEndpointNothingIsRead() {
        let variables = OpenTelemetryVariables(
            ["OTEL_TRACES_SAMPLER": "xray", "OTEL_SERVICE_NAME": "s"], hasEndpoint: false, hasSampleRatio: false)
        #expect(variables.destination == nil && variables.issues.isEmpty && variables.attributes.isEmpty)
    }

    @Test func emptyValueCountsAsNone() {
        let variables = read([
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "", "OTEL_SDK_DISABLED": "", "OTEL_TRACES_SAMPLER": "",
            "OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "",
        ])
        #expect(variables.destination != nil && variables.sampler == nil && variables.attributes.isEmpty)
        #expect(variables.issues.isEmpty)
    }

    @Test(arguments: [
        Row("OTEL_SDK_DISABLED", ["true", "TRUE"]), Row("OTEL_TRACES_EXPORTER", ["none"]),
    ])
    func tracesAreTurnedOff(_ row: Row<[String]>) {
        for value in row.value {
            let variables = read([row.name: value])
            #expect(variables.destination == nil && variables.issues.isEmpty)
        }
    }

    @Test(arguments: [
        Row("OTEL_SDK_DISABLED", ["1", "yes"]), Row("OTEL_TRACES_EXPORTER", ["zipkin", "otlp,console"]),
        Row("OTEL_EXPORTER_OTLP_PROTOCOL", ["grpc", "http/json"]), Row("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ["grpc"]),
        Row("OTEL_EXPORTER_OTLP_HEADERS", ["api-key=canary"]),
        Row("OTEL_TRACES_SAMPLER", ["jaeger_remote", "parentbased_jaeger_remote", "xray", "Always_On"]),
        Row("OTEL_RESOURCE_ATTRIBUTES", ["a", "a=1,b", "=1", "a=%zz", "a=%f", "a=%+1", "a=%ff"]),
    ])
    func valueThatIsNotSupportedIsNamedAndIgnored(_ row: Row<[String]>) {
        for value in row.value {
            let variables = read([row.name: value])
            #expect(variables.destination?.url == "http://collector:4318/v1/traces")
            #expect(names(variables) == [row.name] && variables.sampler == nil && variables.attributes.isEmpty)
            #expect(!variables.issues.map(\.description).joined().contains("canary"))
        }
    }

    @Test func samplersOfTheSpecificationAreTaken() {
        let samplers: [(String, String?, Sampler)] = [
            ("always_on", nil, Sampler(ratio: 1, followsParent: false)),
            ("always_off", nil, Sampler(ratio: 0, followsParent: false)),
            ("traceidratio", "0.25", Sampler(ratio: 0.25, followsParent: false)),
            ("traceidratio", nil, Sampler(ratio: 1, followsParent: false)),
            ("parentbased_always_on", "0.5", Sampler(ratio: 1)), ("parentbased_always_off", nil, Sampler(ratio: 0)),
            ("parentbased_traceidratio", "0.125", Sampler(ratio: 0.125)),
        ]
        for (name, argument, sampler) in samplers {
            let variables = read(["OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument ?? ""])
            #expect(variables.sampler == sampler && variables.issues.isEmpty, "\(name)")
        }
    }

    @Test(arguments: ["2", "-0.1", "half", "nan"]) func argumentThatIsNoShareIsNamedAndIgnored(_ text: String) {
        let variables = read(["OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": text])
        #expect(variables.sampler == Sampler(ratio: 1) && names(variables) == ["OTEL_TRACES_SAMPLER_ARG"])
    }

    @Test func settingsOfThisProgramWin() {
        let variables = read(
            ["OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "xray", "OTEL_SERVICE_NAME": "audio"],
            hasEndpoint: true, hasSampleRatio: true)
        #expect(variables.destination == nil && variables.sampler == nil && variables.issues.isEmpty)
        #expect(variables.attributes == [ResourceAttribute("service.name", "audio")])
    }

    @Test func resourceAttributesAreDecodedAndTheServiceNameWins() {
        let variables = read([
            "OTEL_RESOURCE_ATTRIBUTES":
                "service.name=other, deployment.environment.name = prod%2Ceu ,a=1,a=b=c,empty=,caf%C3%A9=x",
            "OTEL_SERVICE_NAME": "audio, the service",
        ])
        #expect(
            variables.attributes == [
                ResourceAttribute("service.name", "audio, the service"),
                ResourceAttribute("deployment.environment.name", "prod,eu"), ResourceAttribute("a", "b=c"),
                ResourceAttribute("empty", ""), ResourceAttribute("café", "x"),
            ])
        #expect(variables.issues.isEmpty)
    }

    @Test func resourceHasEachNameOnce() {
        let resource = TraceResource(
            serviceVersion: "1", instanceID: "i",
            attributes: [
                ResourceAttribute("service.name", "audio"), ResourceAttribute("service.version", "other"),
                ResourceAttribute("service.instance.id", "pod-1"), ResourceAttribute("k8s.pod.name", "pod-1"),
            ])
        #expect(resource.serviceName == "audio" && resource.serviceVersion == "1" && resource.instanceID == "pod-1")
        #expect(resource.others == [ResourceAttribute("k8s.pod.name", "pod-1")])
        #expect(TraceResource(serviceVersion: "1", instanceID: "i").serviceName == "novatune-streamd")
    }
}
