extension CapacityPlan {
    /// Lines of text: a name, a figure and what it means.
    func lines(for demand: CapacityDemand) -> [String] {
        var lines = [
            Self.line(
                "hosts", "\(hosts)",
                "nginx and responder on \(demand.coresPerHost) cores each; \(demand.spareHosts) may be away"),
            Self.line("loops", "\(loops)", "of each responder (NOVATUNE_LOOPS)"),
            Self.line("cores: nginx", Self.text(nginxCores), "busy, of all hosts"),
            Self.line("cores: responders", Self.text(responderCores), "busy, of all hosts"),
            Self.line(
                "cores: TLS", handshakeCores > 0 ? Self.text(handshakeCores) : "–",
                "busy with \(Self.text(handshakesPerSecond)) handshakes a second"
                    + (handshakeCores > 0 ? "" : "; TLS ends elsewhere")),
            Self.line(
                "database servers", "\(databaseServers) + \(databaseSpares)",
                "primary and standbys, + spare ones; \(Self.text(databaseCores)) cores busy"),
            Self.line(
                "connections", "\(databaseConnections)",
                "of all responders to the database; for moments \(briefDatabaseConnections) more"),
            Self.line(
                "cache masters", "\(cacheMasters)", "one thread each; \(Self.text(cacheCores)) cores busy"),
            Self.line(
                "cache memory", Self.bytes(cacheBytes), "\(Self.text(cacheEntries)) entries of 90 s, without replicas"),
            Self.line("store", Self.text(headsPerSecond), "HEADs a second at most, beside what players read"),
        ]
        if let allowedRate {
            lines.append(
                "note: the allowance of 60 requests a minute lets \(demand.users) users ask for "
                    + "\(Self.text(allowedRate)) a second in the long run")
        }
        return lines
    }

    private static func line(_ name: String, _ figure: String, _ meaning: String) -> String {
        func padded(_ text: String, to width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        return padded(name, to: 19) + padded(figure, to: 12) + meaning
    }

    /// Whole from 10 on, else with one decimal.
    static func text(_ number: Double) -> String {
        if number >= 9.95 { return String(Int(number.rounded())) }
        if number > 0, number < 0.05 { return "< 0.1" }
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func bytes(_ number: Double) -> String {
        let units = ["B", "KB", "MB", "GB", "TB"]
        var (value, unit) = (number, 0)
        while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return "\(text(value)) \(units[unit])"
    }
}
