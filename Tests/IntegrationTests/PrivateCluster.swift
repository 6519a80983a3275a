import TestSupport

/// A cluster of Redis servers for one suite: three masters, and a replica of each.
final class PrivateCluster: Sendable {
    let nodes: [PrivateRedis]

    init(replicas: Int = 1) throws {
        nodes = try (0..<3 * (1 + replicas)).map { _ in
            try PrivateRedis([
                "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0",
            ])
        }
        try redisCLI(
            ["--cluster", "create"] + nodes.map { "127.0.0.1:\($0.port)" }
                + ["--cluster-replicas", "\(replicas)", "--cluster-yes"])
        let nodes = nodes
        precondition(
            eventually { nodes.allSatisfy { (try? $0.cli("cluster", "info"))?.contains("cluster_state:ok") == true } },
            "the cluster does not form")
    }

    /// One node is enough: it names the others.
    var url: String { "redis+cluster://127.0.0.1:\(nodes[0].port)" }

    /// The masters now.
    var masters: [PrivateRedis] { nodes.filter { (try? $0.cli("role"))?.hasPrefix("master") == true } }

    /// The node that holds the key, for a key in the form of a cluster.
    func holder(of key: String) -> PrivateRedis? { masters.first { (try? $0.cli("exists", key)) == "1\n" } }

    @discardableResult
    func redisCLI(_ arguments: [String]) throws -> String {
        try Subprocess.run(["redis-cli"] + arguments).output
    }
}
