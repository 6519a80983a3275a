import ArgumentParser

/// Computes what a number of requests needs.
struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compute how many hosts, connections and how much memory a number of requests needs.",
        discussion: """
            Multiplies what a request was measured to cost by what you expect. It reads no setting, asks no server and \
            changes nothing. The article Capacity has each cost with the command that measured it, and examples.

            Costs are those of one machine. --core-speed says how much faster a core of yours is: compare the \
            responder's CPU a request in 'Tests/Load/run --paths hit' with the article's. 'Tests/Load/handshakes' \
            prints what TLS costs there.

            EXAMPLES:
              novatune-streamd plan --rate 1000 --users 100000 --tracks 50000
              novatune-streamd plan --rate 10000 --hit-share 0.6 --users 1000000 --tracks 5000000 --cores 16
              novatune-streamd plan --rate 100000 --users 20000000 --tracks 50000000 --core-speed 1.6 --spare 2

            EXIT CODES: 0 done; 64 the command line is not valid.
            """
    )

    @Option(name: .long, help: ArgumentHelp("Requests a second at the busiest moment.", valueName: "number"))
    var rate: Double

    @Option(name: .long, help: ArgumentHelp("Users who are active at that moment.", valueName: "number"))
    var users: Int

    @Option(name: .long, help: ArgumentHelp("Tracks that they ask for.", valueName: "number"))
    var tracks: Int

    @Option(
        name: .long,
        help: ArgumentHelp("Of the requests, those whose URL the cache has: 0 to 1.", valueName: "share"))
    var hitShare = CapacityDemand.defaults.hitShare

    @Option(
        name: .long,
        help: ArgumentHelp("Speed of a core beside the measuring machine's: 0.1 to 10.", valueName: "factor"))
    var coreSpeed = CapacityDemand.defaults.coreSpeed

    @Option(name: .long, help: ArgumentHelp("Cores of each host and database server.", valueName: "number"))
    var cores = CapacityDemand.defaults.coresPerHost

    @Option(
        name: .long, help: ArgumentHelp("How much of each core may be busy: 0.05 to 0.95.", valueName: "share"))
    var utilisation = CapacityDemand.defaults.utilisation

    @Option(name: .long, help: ArgumentHelp("Hosts that may be away at that moment.", valueName: "number"))
    var spare = CapacityDemand.defaults.spareHosts

    @Option(name: .long, help: ArgumentHelp("Requests on each TLS connection.", valueName: "number"))
    var requestsPerConnection = CapacityDemand.defaults.requestsPerConnection

    @Option(
        name: .long,
        help: ArgumentHelp("Of the connections, those that resume a session: 0 to 1.", valueName: "share"))
    var resumedShare = CapacityDemand.defaults.resumedShare

    @Option(
        name: .long,
        help: ArgumentHelp(
            "CPU of a full TLS handshake on a core of yours, as Tests/Load/handshakes prints it; 0: TLS ends elsewhere.",
            valueName: "µs"))
    var fullHandshake = CapacityDemand.defaults.fullHandshake

    @Option(name: .long, help: ArgumentHelp("The same of a resumed session.", valueName: "µs"))
    var resumedHandshake = CapacityDemand.defaults.resumedHandshake

    func validate() throws {
        func expect<Value: Comparable>(_ name: String, _ value: Value, _ range: ClosedRange<Value>) throws {
            guard !range.contains(value) else { return }
            let bounds = ["\(range.lowerBound)", "\(range.upperBound)"].map {
                $0.hasSuffix(".0") ? $0.dropLast(2) : $0[...]
            }
            throw ValidationError("--\(name) is not from \(bounds[0]) to \(bounds[1])")
        }
        try expect("rate", rate, 1...100_000_000)
        try expect("users", users, 1...100_000_000_000)
        try expect("tracks", tracks, 1...100_000_000_000)
        try expect("hit-share", hitShare, 0...1)
        try expect("core-speed", coreSpeed, 0.1...10)
        try expect("cores", cores, 1...1024)
        try expect("utilisation", utilisation, 0.05...0.95)
        try expect("spare", spare, 0...1000)
        try expect("requests-per-connection", requestsPerConnection, 1...1_000_000)
        try expect("resumed-share", resumedShare, 0...1)
        try expect("full-handshake", fullHandshake, 0...1_000_000)
        try expect("resumed-handshake", resumedHandshake, 0...1_000_000)
    }

    var demand: CapacityDemand {
        CapacityDemand(
            rate: rate, hitShare: hitShare, users: users, tracks: tracks, coreSpeed: coreSpeed, coresPerHost: cores,
            utilisation: utilisation, spareHosts: spare, requestsPerConnection: requestsPerConnection,
            resumedShare: resumedShare, fullHandshake: fullHandshake, resumedHandshake: resumedHandshake)
    }

    func run() {
        for line in CapacityPlan(demand).lines(for: demand) { Console.print(line) }
    }
}
