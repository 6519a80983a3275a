import Cryptography
import EventLoop
import FastCGI
import PostgreSQLTrackStore
import Resilience
import StoreAuthorization
import StreamIssuing
import StreamResponder

/// The threads of `novatune-streamd authorize`: construct, start, stop.
final class AuthorizationService: Sendable {
    private static let gateProgressLimit: Duration = .seconds(20)
    private static let drainLimit: Duration = .seconds(5)
    /// After a deletion that failed, until the next one.
    private static let deletionPause: Duration = .seconds(60)

    private let settings: AuthorizationSettings
    private let address: DatabaseAddress
    private let telemetry: AuthorizationTelemetry
    private let users: RevokedUsers
    private let keys: ChangedKeys
    private let loop = EventLoop()
    private let server: WebhookServer
    private let gate: FastCGIServer<GateRoute>
    private let stop = StopSignal()
    private let threads = Locked<[WorkerThread]>([])

    init(
        _ settings: AuthorizationSettings, _ telemetry: AuthorizationTelemetry, users: RevokedUsers, keys: ChangedKeys,
        webhook: ListeningSocket, gate socket: ListeningSocket
    ) {
        self.settings = settings
        self.telemetry = telemetry
        self.users = users
        self.keys = keys
        address = DatabaseAddress(settings.database.url, file: settings.database.urlFile)
        server = WebhookServer(
            loop, socket: webhook, tokens: settings.tokens, authorizer: settings.authorizer,
            refused: { users.current }, observer: { [telemetry] in telemetry.decided($0, took: $1) })
        gate = FastCGIServer(socket: socket, name: "gate", workers: 2, capacity: 128) { _ in
            GateRoute(telemetry.registry, telemetry)
        }
        telemetry.watch(users, server)
    }

    func start() {
        let threads = [
            WorkerThread(name: "authorize") { [loop] in loop.run() },
            WorkerThread(name: "authorize-watch") { [self] in watch() },
        ]
        self.threads.withLock { $0 = threads }
        server.start()
    }

    var makesProgress: Bool {
        gate.makesProgress(within: Self.gateProgressLimit) && loop.turnDuration < Self.gateProgressLimit
    }

    /// Ends all threads. A store's next question finds no webhook, and is refused there.
    /// - Returns: whether they ended in time.
    func end() -> Bool {
        stop.send()
        server.stop()
        loop.stop()
        let deadline = Deadline(after: Self.drainLimit)
        let areDone = threads.withLock { $0 }.map { $0.join(by: deadline) }.allSatisfy { $0 }
        return gate.drain(by: deadline) && areDone
    }

    /// Keeps the list fresh: reads it with each notification, and at each poll.
    private func watch() {
        let list = UserRevocationList(
            conninfo: address, limit: RevokedUsers.limit, timeout: settings.database.timeout, stop: stop)
        var nextDeletion = ContinuousClock.now
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(2))
        while !stop.isSent {
            do throws(Unavailable) {
                let now = ContinuousClock.now
                if let ring = keys.take() { use(ring) }
                let reading = try list.read()
                users.take(reading, at: now)
                telemetry.read(reading)
                backoff.succeeded()
                let end = now.advanced(by: settings.poll)
                if now >= nextDeletion, !deleteOutdated(list, at: now, until: end) {
                    nextDeletion = now.advanced(by: Self.deletionPause)
                }
                _ = try list.wait(until: end)
            } catch {
                telemetry.lostDatabase(error)
                stop.wait(until: Deadline(after: backoff.failed(jitter: .random(in: 0...1))))
            }
        }
    }

    /// - Returns: false after a failure, which costs the table's size and no decision.
    private func deleteOutdated(
        _ list: UserRevocationList, at now: ContinuousClock.Instant, until end: ContinuousClock.Instant
    ) -> Bool {
        do {
            try list.delete(positions: users.outdated(at: now), until: end)
            return true
        } catch {
            telemetry.keptOutdated(error)
            return false
        }
    }

    private func use(_ ring: KeyRing) {
        do { try users.use(ring) } catch { telemetry.keysRead("\(error)") }
    }
}
