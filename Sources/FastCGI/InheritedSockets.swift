/// Sockets that were open when this process started.
public enum InheritedSockets {
    private static let known = ["stream", "gate", "revoke", "authorize"]

    /// systemd's (sd_listen_fds(3)): descriptors from 3 on, named by `FileDescriptorName=`; else descriptor 0 where it
    /// listens,
    /// which is how spawn-fcgi and the FastCGI specification (§2.2) hand over the one socket, here named `stream`.
    public static func find(
        environment: [String: String], processID: Int32, isListening: (Int32) -> Bool = ListeningSocket.isListening
    ) -> [String: SocketAddress] {
        if let text = environment["LISTEN_FDS"], let count = Int32(text), count > 0,
            environment["LISTEN_PID"] == String(processID)
        {
            let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
                .map(String.init)
            var found: [String: SocketAddress] = [:]
            for index in 0..<min(count, 16) {
                let position = Int(index)
                let fallback = position == 0 ? "stream" : position == 1 ? "gate" : "\(position)"
                let name = position < names.count && known.contains(names[position]) ? names[position] : fallback
                found[name] = .inherited(descriptor: 3 + index)
            }
            return found
        }
        return isListening(0) ? ["stream": .inherited(descriptor: 0)] : [:]
    }
}
