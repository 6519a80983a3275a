/// The keys of a cluster: the user is the hash tag, so that all keys of a user are in one slot.
enum ClusterKey {
    /// `prefix:{user}:rest` of `prefix:user:rest`, where neither prefix nor user contains a colon.
    static func tagged(_ key: String) -> String {
        let parts = key.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return key }
        return "\(parts[0]):{\(parts[1])}" + (parts.count > 2 ? ":\(parts[2])" : "")
    }
}
