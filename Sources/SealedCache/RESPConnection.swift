import Glibc
import Resilience

/// One connection to a RESP server (RESP2), for a thread that may block. Every command ends by its deadline; after an
/// error that ends the connection it is unusable.
final class RESPConnection {
    private let transport: RESPTransport
    private let reader = RESPReader(takesArrays: true)
    private let timeout: Duration

    /// Connects, authenticates, selects the database, and sends PING: a server that is loading, lacks a password or
    /// refuses the client's certificate shows it in its first reply.
    /// Where sentinels name the server, it must also say itself that it is the master.
    /// - Parameter timeout: for each step, and then for each command.
    init(_ server: RESPServer, timeout: Duration) throws(ValueStoreError) {
        let place = try server.located(within: timeout)
        transport = RESPTransport(try .connect(to: place, timeout: timeout))
        self.timeout = timeout
        do throws(ValueStoreError) {
            try authenticate(server)
            if server.database != 0 { _ = try command(RESPCommand("SELECT", [String(server.database)])) }
            try ping()
            if case .sentinels = server.location { try checkRole() }
        } catch {
            throw error.isLost ? error.beforeFirstAnswer(usesTLS: server.usesTLS) : error
        }
    }

    private func authenticate(_ server: RESPServer) throws(ValueStoreError) {
        guard let password = server.password else { return }
        if let user = server.user {
            do throws(ValueStoreError) {
                _ = try command(RESPCommand("AUTH", [user, password]))
                return
            } catch {
                // Redis before version 6 has no users, and takes AUTH with the password alone.
                guard error.serverError == "ERR" else { throw error }
            }
        }
        _ = try command(RESPCommand("AUTH", [password]))
    }

    private func ping() throws(ValueStoreError) {
        do throws(ValueStoreError) {
            _ = try command(RESPCommand("PING"))
        } catch {
            // A user that may not run it has had an answer, too.
            guard error.serverError == "NOPERM" else { throw error }
        }
    }

    /// A sentinel may not know of a failover yet.
    private func checkRole() throws(ValueStoreError) {
        do throws(ValueStoreError) {
            guard case .array(let parts) = try command(RESPCommand("ROLE")), let role = parts.first else {
                throw .unexpectedReply
            }
            guard role == .bulk(Array("master".utf8)) else { throw .notMaster }
        } catch {
            // For a user that may not run it, the first write shows it.
            guard error.serverError == "NOPERM" else { throw error }
        }
    }

    func command(_ command: RESPCommand) throws(ValueStoreError) -> RESPReply {
        try pipeline([command])[0]
    }

    /// Sends all commands before it reads the first answer. The deadline holds for all together.
    /// - Throws: the first refusal, when all replies have arrived, or earlier where it ends the connection.
    func pipeline(_ commands: [RESPCommand]) throws(ValueStoreError) -> [RESPReply] {
        for command in commands { transport.append(command.bytes) }
        let deadline = Deadline(after: timeout)
        try flush(by: deadline)
        var replies: [RESPReply] = []
        var refusal: ValueStoreError?
        for (index, command) in commands.enumerated() {
            let reply = try reply(by: deadline)
            replies.append(reply)
            guard let error = reply.refusal(of: command.name, isLast: index == commands.count - 1) else { continue }
            if error.endsConnection { throw error }
            // The other replies still arrive, and must not be taken for those of the next command.
            refusal = refusal ?? error
        }
        if let refusal { throw refusal }
        return replies
    }

    /// The socket, for a loop. Afterwards this connection is unusable.
    func handOver() throws(ValueStoreError) -> ConnectedSocket {
        // Bytes that no command asked for would be lost here, and every later reply would go to the wrong command.
        guard reader.unfinishedBytes == 0 else { throw .unexpectedReply }
        return transport.socket
    }

    private func flush(by deadline: Deadline) throws(ValueStoreError) {
        while true {
            switch transport.send() {
            case .all: return
            case .part: try transport.socket.wait(for: POLLOUT, by: deadline)
            case .failed(let error): throw error
            }
        }
    }

    private func reply(by deadline: Deadline) throws(ValueStoreError) -> RESPReply {
        while true {
            if let reply = try reader.next() { return reply }
            if deadline.isPast { throw .timedOut }
            var failure: ValueStoreError?
            let received = unsafe transport.receive { bytes in
                do throws(ValueStoreError) { unsafe try reader.feed(bytes) } catch { failure = failure ?? error }
            }
            if let failure { throw failure }
            switch received {
            case .bytes: break
            case .nothing: try transport.socket.wait(for: POLLIN, by: deadline)
            case .ended(let error): throw error
            }
        }
    }
}
