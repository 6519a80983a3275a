// swift-tools-version: 6.2
import PackageDescription

/// In CI a warning fails the build. What an unchanged commit cannot help does not: the deprecations of a newer package,
/// and the new warnings of a newer compiler. When a build with a newer compiler has shown no warning, raise the number.
#if compiler(<6.3)
    let warningsAsErrors: [SwiftSetting] = [
        .treatAllWarnings(as: .error),
        .treatWarning("DeprecatedDeclaration", as: .warning),
    ]
#else
    let warningsAsErrors: [SwiftSetting] = []
#endif

/// The compiler settings of every Swift target: the language's strictest checks, so that every use of a C pointer is
/// visible.
let strict: [SwiftSetting] =
    [
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["CI"] == "true" ? warningsAsErrors : [])

/// The headers of a C library, or of the kernel; `package` is the Debian package that has them.
func headers(_ name: String, package: String) -> Target {
    .systemLibrary(name: name, providers: [.apt([package])])
}

/// One library target, tested on its own.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of one library. They read their vectors from `Vectors` beside them; the vectors are not bundled.
func tests(_ library: String, _ dependencies: [Target.Dependency] = [], name: String? = nil, vectors: Bool = false)
    -> Target
{
    .testTarget(
        name: name ?? "\(library)Tests", dependencies: [.byName(name: library), "TestSupport"] + dependencies,
        exclude: vectors ? ["Vectors"] : [], swiftSettings: strict)
}

let package = Package(
    name: "novatune-stream",
    products: [
        .executable(name: "novatune-streamd", targets: ["novatune-streamd"])
    ],
    // Exact versions, because `Package.resolved` is not committed: a commit is built from the same sources everywhere.
    // To take a newer release, raise its version here.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", exact: "1.7.0"),
    ],
    targets: [
        // The same packages as in nginx/local/packages.sh.
        headers("CEpoll", package: "libc6-dev"),
        headers("CFastCGI", package: "libfcgi-dev"),
        headers("CPostgreSQL", package: "libpq-dev"),
        // Two modules of one package, so that each has one importer: libcrypto's and libssl's.
        headers("COpenSSL", package: "libssl-dev"),
        headers("COpenSSLTLS", package: "libssl-dev"),
        headers("CHiredis", package: "libhiredis-dev"),
        headers("CCurl", package: "libcurl4-openssl-dev"),
        headers("CLinux", package: "libc6-dev"),
        .systemLibrary(name: "CCommit"),

        library("OperatorSettings"),
        library("StreamIssuing"),
        library("Resilience", ["CLinux", "OperatorSettings"]),
        library("EventLoop", ["CEpoll", "Resilience"]),
        library("StrictJSON"),
        library("Cryptography", ["COpenSSL"]),
        library("TLSClient", ["COpenSSLTLS"]),
        library("SigV4", ["Cryptography", "StreamIssuing"]),
        library("BearerTokens", ["Cryptography", "OperatorSettings", "Resilience", "StreamIssuing", "StrictJSON"]),
        library("FastCGI", ["CEpoll", "CFastCGI", "EventLoop", "Resilience"]),
        library(
            "PostgreSQLTrackStore", ["CPostgreSQL", "EventLoop", "OperatorSettings", "Resilience", "StreamIssuing"]),
        library(
            "SealedCache",
            [
                "CHiredis", "Cryptography", "EventLoop", "OperatorSettings", "Resilience", "StreamIssuing", "TLSClient",
            ]),
        library("HTTPClient", ["CCurl", "EventLoop"]),
        library(
            "KeyManagement",
            [
                "CLinux", "Cryptography", "HTTPClient", "OperatorSettings", "Resilience", "SigV4", "StreamIssuing",
                "StrictJSON",
            ]),
        library(
            "ProviderKeys",
            [
                "BearerTokens", "Cryptography", "HTTPClient", "KeyManagement", "OperatorSettings", "Resilience",
                "StreamIssuing", "StrictJSON",
            ]),
        library(
            "S3ObjectStore",
            ["Cryptography", "EventLoop", "HTTPClient", "OperatorSettings", "Resilience", "SigV4", "StreamIssuing"]),
        library(
            "StoreAuthorization",
            ["Cryptography", "EventLoop", "FastCGI", "SigV4", "StreamIssuing", "StrictJSON"]),
        library(
            "RequestTraces",
            [
                "HTTPClient", "OperatorSettings", "Resilience", "SigV4", "StreamIssuing",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        library(
            "Observability",
            [
                "OperatorSettings", "Resilience", "StreamIssuing", .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),

        library(
            "StreamResponder",
            [
                "FastCGI", "Observability", "OperatorSettings", "RequestTraces", "Resilience", "SealedCache",
                "StreamIssuing",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),

        .executableTarget(
            name: "novatune-streamd",
            dependencies: [
                "BearerTokens", "CCommit", "CLinux", "Cryptography", "EventLoop", "FastCGI", "HTTPClient",
                "KeyManagement",
                "Observability",
                "OperatorSettings", "PostgreSQLTrackStore", "ProviderKeys", "RequestTraces", "Resilience",
                "S3ObjectStore",
                "SealedCache", "SigV4", "StoreAuthorization", "StreamIssuing", "StreamResponder", "StrictJSON",
                "TLSClient",
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
        tests("OperatorSettings"),
        tests("StreamIssuing", vectors: true),
        tests("EventLoop", ["Resilience"]),
        tests("StrictJSON"),
        tests("Cryptography", ["Resilience"], vectors: true),
        tests("SigV4", ["Cryptography", "StreamIssuing"], vectors: true),
        tests("BearerTokens", ["Cryptography", "StreamIssuing"], vectors: true),
        tests("SealedCache", ["Cryptography", "EventLoop", "Resilience", "StreamIssuing", "TLSClient"], vectors: true),
        tests("TLSClient"),
        tests("HTTPClient", ["EventLoop", "Resilience"]),
        tests("S3ObjectStore", ["Cryptography", "EventLoop", "HTTPClient", "Resilience", "SigV4", "StreamIssuing"]),
        tests(
            "StoreAuthorization",
            ["Cryptography", "EventLoop", "FastCGI", "SigV4", "StreamIssuing", "StrictJSON"],
            vectors: true),
        tests("KeyManagement", ["Cryptography", "HTTPClient", "Resilience", "SigV4", "StreamIssuing"]),
        tests("ProviderKeys", ["BearerTokens", "Resilience", "StreamIssuing"]),
        tests("PostgreSQLTrackStore", ["EventLoop", "Resilience", "StreamIssuing"]),
        tests("Resilience"),
        tests(
            "RequestTraces",
            [
                "HTTPClient", "Resilience", "StreamIssuing",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]),
        tests(
            "Observability",
            [
                "Resilience", "StreamIssuing", .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        tests("FastCGI", ["EventLoop", "Resilience"]),
        tests(
            "StreamResponder",
            [
                "Cryptography", "FastCGI", "Observability", "RequestTraces", "Resilience",
                "SealedCache", "StreamIssuing",
            ]),
        tests(
            "novatune-streamd",
            [
                "BearerTokens", "Cryptography", "FastCGI", "HTTPClient", "KeyManagement", "Observability",
                "OperatorSettings", "PostgreSQLTrackStore",
                "RequestTraces", "ProviderKeys", "Resilience", "SealedCache", "S3ObjectStore", "SigV4",
                "StoreAuthorization", "StreamIssuing", "StreamResponder",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], name: "NovatuneStreamdTests"),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Cryptography", "EventLoop", "HTTPClient", "KeyManagement", "PostgreSQLTrackStore", "Resilience",
                "S3ObjectStore",
                "SealedCache",
                "SigV4", "StreamIssuing", "TestSupport", "TLSClient",
            ],
            swiftSettings: strict),
    ]
)
