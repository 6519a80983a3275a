import OperatorSettings

// What an error reply means.
extension RESPReply {
    /// - Parameters:
    ///   - command: the name of the command that it answers; empty where that is not known.
    ///   - isLast: whether no further reply is expected.
    /// - Returns: nil for any other reply.
    func refusal(of command: String, isLast: Bool) -> ValueStoreError? {
        let name: String
        var redirection: Redirection?
        switch self {
        case .error(let error): name = error
        case .redirection(let other): (name, redirection) = (other.kind.rawValue, other)
        case .status, .bulk, .integer, .array, .null: return nil
        }
        let subject = command.isEmpty ? name : "\(name) to \(command)"
        let meaning = Self.meaning(name, command).map { ": \($0)" } ?? ""
        return ValueStoreError(
            code: "refused", reason: "the server answered \(subject)\(meaning)", serverError: name,
            endsConnection: Self.concernServer.contains(name) || (Self.mayAnswerPipeline == name && !isLast),
            redirection: redirection)
    }

    /// These show that the server, or this connection to it, is unusable for most commands now; another server may have
    /// the name meanwhile.
    private static let concernServer: Set<String> = [
        "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "CLUSTERDOWN",
    ]
    /// Garnet answers a pipeline by one such error where it does not know a command, and discards the rest.
    private static let mayAnswerPipeline = "ERR"

    private static func meaning(_ name: String, _ command: String) -> String? {
        switch (name, command) {
        case ("ERR", "AUTH"): "it expects no password, or does not know this one"
        case ("ERR", "SELECT"): "it has no database of this number"
        case ("ERR", "ZADD"), ("ERR", "ZRANGE"):
            "it does not know the command, or not in this form; Garnet knows it without --no-obj only"
        case ("ERR", _): "it does not know the command, or not in this form"
        case ("WRONGPASS", _):
            "user or password of \(CacheSetting.url.name) are wrong; for a password without a user, write"
                + " redis://:password@host"
        case ("NOAUTH", _): "it requires a password, which \(CacheSetting.url.name) lacks"
        case ("NOPERM", _): "its user may not run this command, or not on these keys"
        case ("READONLY", _): "it is a replica, which takes no writes"
        case ("LOADING", _): "it is still reading its data"
        case ("MASTERDOWN", _): "it is a replica that has lost its master"
        case ("CLUSTERDOWN", _): "its cluster does not serve all keys"
        case ("MOVED", _), ("ASK", _):
            "another node of its cluster has the key; for a cluster, write redis+cluster:// with its nodes"
        case ("CROSSSLOT", _): "it is in cluster mode; for a cluster, write redis+cluster:// with its nodes"
        case ("OOM", _): "its memory is full and it evicts nothing; raise maxmemory or set maxmemory-policy"
        case ("MISCONF", _): "it cannot save its data, and takes no writes until it can"
        case ("NOREPLICAS", _): "too few replicas are connected to it for a write"
        case ("DENIED", _): "it takes connections of its own host only until it has a password"
        default: nil
        }
    }
}
