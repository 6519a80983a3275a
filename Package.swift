// swift-tools-version: 6.2
import PackageDescription

/// The compiler settings of every Swift target: the language's strictest checks, so that every use of a C pointer is visible.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// One library target, tested on its own.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one library. They read their vectors from `Vectors` beside them; the vectors are not bundled.
func tests(_ library: String, _ dependencies: [Target.Dependency] = [], name: String? = nil, vectors: Bool = false) -> Target {
    .testTarget(
        name: name ?? "\(library)Tests", dependencies: [.byName(name: library), "TestSupport"] + dependencies,
        exclude: vectors ? ["Vectors"] : [], swiftSettings: strict)
}

let package = Package(
    name: "novatune-stream",
    products: [
        .executable(name: "novatune-streamd", targets: ["novatune-streamd"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    ],
    targets: [
        .systemLibrary(name: "CEpoll"),
        .systemLibrary(name: "CFastCGI"),
        .systemLibrary(name: "CPostgreSQL"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CLinux"),

        library("StreamIssuing"),
        library("Resilience", ["CLinux"]),
        library("EventLoop", ["CEpoll", "Resilience"]),
        library("StrictJSON"),
        library("Cryptography", ["COpenSSL"]),
        library("SigV4", ["Cryptography", "StreamIssuing"]),
        library("BearerTokens", ["Cryptography", "Resilience", "StreamIssuing", "StrictJSON"]),
        library("FastCGI", ["CEpoll", "CFastCGI", "EventLoop", "Resilience"]),
        library("PostgreSQLTrackStore", ["CPostgreSQL", "EventLoop", "Resilience", "StreamIssuing"]),
        library("SealedCache", ["CHiredis", "Cryptography", "EventLoop", "Resilience", "StreamIssuing"]),
        library("HTTPClient", ["CCurl", "EventLoop"]),
        library("KeyManagement", ["CLinux", "Cryptography", "HTTPClient", "Resilience", "SigV4", "StreamIssuing", "StrictJSON"]),
        library("S3ObjectStore", ["Cryptography", "EventLoop", "HTTPClient", "Resilience", "SigV4", "StreamIssuing"]),
        library(
            "RequestTraces",
            ["HTTPClient", "Resilience", "StreamIssuing", .product(name: "Tracing", package: "swift-distributed-tracing")]),
        library(
            "Observability",
            [
                "Resilience", "StreamIssuing", .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),

        library(
            "StreamResponder",
            [
                "BearerTokens", "FastCGI", "Observability", "RequestTraces", "Resilience", "SealedCache", "StreamIssuing",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),

        .executableTarget(
            name: "novatune-streamd",
            dependencies: [
                "BearerTokens", "Cryptography", "EventLoop", "FastCGI", "HTTPClient", "KeyManagement", "Observability",
                "PostgreSQLTrackStore", "RequestTraces", "Resilience", "S3ObjectStore", "SealedCache", "SigV4", "StreamIssuing",
                "StreamResponder", "StrictJSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict
        ),

        .target(
            name: "TestSupport",
            dependencies: ["Cryptography", "EventLoop", "KeyManagement", "Resilience", "SealedCache", "StreamIssuing"],
            path: "Tests/TestSupport",
            swiftSettings: strict),
        tests("StreamIssuing", vectors: true),
        tests("EventLoop", ["Resilience"]),
        tests("StrictJSON"),
        tests("Cryptography", ["Resilience"], vectors: true),
        tests("SigV4", ["Cryptography", "StreamIssuing"], vectors: true),
        tests("BearerTokens", ["Cryptography", "StreamIssuing"], vectors: true),
        tests("SealedCache", ["Cryptography", "EventLoop", "Resilience", "StreamIssuing"], vectors: true),
        tests("HTTPClient", ["EventLoop", "Resilience"]),
        tests("S3ObjectStore", ["Cryptography", "EventLoop", "HTTPClient", "Resilience", "SigV4", "StreamIssuing"]),
        tests("KeyManagement", ["Cryptography", "HTTPClient", "Resilience", "SigV4", "StreamIssuing"]),
        tests("PostgreSQLTrackStore", ["StreamIssuing"]),
        tests("Resilience"),
        tests(
            "RequestTraces",
            ["HTTPClient", "Resilience", "StreamIssuing", .product(name: "Tracing", package: "swift-distributed-tracing")]),
        tests(
            "Observability",
            [
                "Resilience", "StreamIssuing", .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        tests("FastCGI", ["EventLoop", "Resilience"]),
        tests(
            "StreamResponder",
            ["BearerTokens", "Cryptography", "FastCGI", "Observability", "RequestTraces", "Resilience", "SealedCache", "StreamIssuing"]),
        tests(
            "novatune-streamd",
            [
                "BearerTokens", "Cryptography", "FastCGI", "Observability", "RequestTraces", "Resilience", "SealedCache", "S3ObjectStore",
                "SigV4", "StreamIssuing", "StreamResponder",
                .product(name: "Logging", package: "swift-log"),
            ], name: "NovatuneStreamdTests"),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Cryptography", "EventLoop", "HTTPClient", "KeyManagement", "PostgreSQLTrackStore", "Resilience", "S3ObjectStore",
                "SealedCache",
                "SigV4", "StreamIssuing", "TestSupport",
            ],
            swiftSettings: strict),
    ]
)
