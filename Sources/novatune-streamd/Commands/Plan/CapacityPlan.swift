/// What it takes to serve a demand: a value, computed from what was measured.
struct CapacityPlan: Equatable {
    /// With nginx and a responder each, spare ones included. Two at least, so that one may be replaced.
    let hosts: Int
    /// Of each responder (`NOVATUNE_LOOPS`).
    let loops: Int
    /// Cores that nginx, responders, TLS handshakes, database and cache keep busy.
    let nginxCores: Double
    let responderCores: Double
    let handshakeCores: Double
    let databaseCores: Double
    let cacheCores: Double
    let handshakesPerSecond: Double
    /// Primary and standbys together, that answer queries; one more of each where hosts may be away.
    let databaseServers: Int
    let databaseSpares: Int
    /// Of all responders together, and those that come and go.
    let databaseConnections: Int
    let briefDatabaseConnections: Int
    /// Each is one thread.
    let cacheMasters: Int
    let cacheEntries: Double
    let cacheBytes: Double
    /// HEADs a second of the object store, at most.
    let headsPerSecond: Double
    /// Requests a second that the users' allowances let through, where the demand is more.
    let allowedRate: Double?

    init(_ demand: CapacityDemand, _ costs: CapacityCosts = .measured) {
        /// Cores of the measuring machine that are busy with what happens so often and costs so many microseconds.
        func cores(_ perSecond: Double, _ microseconds: Double) -> Double {
            perSecond * microseconds / 1_000_000 / demand.coreSpeed
        }
        /// Whole things, each of which may be busy up to the utilisation.
        func count(_ busy: Double, of cores: Int) -> Int {
            max(1, Int((busy / (Double(cores) * demand.utilisation)).rounded(.up)))
        }
        let misses = demand.rate * (1 - demand.hitShare), hits = demand.rate - misses
        handshakesPerSecond = demand.rate / demand.requestsPerConnection
        let resumed = handshakesPerSecond * demand.resumedShare

        /// What one of the programs is busy with.
        func cores(of program: KeyPath<CapacityCosts.Request, Double>) -> Double {
            cores(hits, costs.hit[keyPath: program]) + cores(misses, costs.miss[keyPath: program])
        }
        nginxCores = cores(of: \.nginx)
        responderCores = cores(of: \.responder)
        // `coreSpeed` is of requests: see CapacityCosts.
        let handshakes = (handshakesPerSecond - resumed) * demand.fullHandshake + resumed * demand.resumedHandshake
        handshakeCores = demand.fullHandshake == 0 ? 0 : handshakes / 1_000_000
        let working = count(nginxCores + responderCores + handshakeCores, of: demand.coresPerHost)
        hosts = max(2, working + demand.spareHosts)
        loops = min(demand.coresPerHost, count(responderCores / Double(working), of: 1))

        databaseCores = cores(of: \.database)
        databaseServers = count(databaseCores, of: demand.coresPerHost)
        databaseSpares = demand.spareHosts
        databaseConnections = hosts * (loops + CapacityCosts.furtherConnections)
        briefDatabaseConnections = hosts * CapacityCosts.briefConnections

        cacheCores = cores(of: \.cache)
        cacheMasters = count(cacheCores, of: 1)
        cacheEntries = min(misses * CapacityCosts.entrySeconds, Double(demand.users) * Double(demand.tracks))
        cacheBytes = cacheEntries * costs.cacheEntryBytes

        // Each responder looks for a track once in ten minutes, as long as it can remember all of them.
        let remembered = Double(hosts) * Double(demand.tracks) / CapacityCosts.verifiedSeconds
        headsPerSecond = demand.tracks <= CapacityCosts.verifiedObjects ? min(misses, remembered) : misses

        let allowed = Double(demand.users) * CapacityCosts.requestsPerUser
        allowedRate = demand.rate > allowed ? allowed : nil
    }
}
