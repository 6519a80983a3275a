import FastCGI
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import StreamIssuing
import StreamResponder

/// The threads of `novatune-streamd revoke`: construct, start, stop.
final class RevocationService: Sendable {
    /// Longer than the calls of one object may take, with the store's default time limit.
    private static let drainLimit: Duration = .seconds(15)
    private static let gateProgressLimit: Duration = .seconds(20)
    private static let probeInterval: Duration = .seconds(5)
    private static let recoveryInterval: Duration = .seconds(1)

    let work: RevocationWork
    private let settings: RevocationSettings
    private let address: DatabaseAddress
    private let telemetry: RevocationTelemetry
    private let gate: FastCGIServer<GateRoute>
    private let threads = Locked<[WorkerThread]>([])

    init(_ settings: RevocationSettings, _ telemetry: RevocationTelemetry, socket: ListeningSocket) {
        self.settings = settings
        self.telemetry = telemetry
        work = RevocationWork(settings.credentials, poll: settings.poll)
        address = DatabaseAddress(settings.database.url, file: settings.database.urlFile)
        gate = FastCGIServer(socket: socket, name: "gate", workers: 2, capacity: 128) { _ in
            GateRoute(telemetry.registry, telemetry)
        }
    }

    func start() {
        let workers = (0..<settings.workers).map { index in
            WorkerThread(name: "revoke-\(index)") { [settings, address, telemetry, work] in
                var worker = RevocationWorker(
                    queue: RevocationQueue(conninfo: address, timeout: settings.database.timeout),
                    tagger: ObjectTagger(settings.s3, credentials: work.credentials, clock: SystemClock()), work: work,
                    telemetry: telemetry)
                worker.run()
            }
        }
        let others = [
            WorkerThread(name: "revoke-watch") { [self] in watch() },
            WorkerThread(name: "revoke-probe") { [self] in probe() },
        ]
        threads.withLock { $0 = workers + others }
    }

    var makesProgress: Bool { gate.makesProgress(within: Self.gateProgressLimit) }

    /// Takes nothing more, finishes the objects under way, and ends all threads.
    /// - Returns: whether they ended in time. What is left is given back with the end of the process.
    func stop() -> Bool {
        work.end()
        let deadline = Deadline(after: Self.drainLimit)
        let areDone = threads.withLock { $0 }.map { $0.join(by: deadline) }.allSatisfy { $0 }
        return gate.drain(by: deadline) && areDone
    }

    /// Passes notifications on, and reads how much waits at each poll.
    private func watch() {
        let subscriber = RevocationSubscriber(
            conninfo: address, timeout: settings.database.timeout, stop: work.stop)
        var backoff = Backoff(from: .milliseconds(100), to: .seconds(5))
        while !work.stop.isSent {
            do throws(Unavailable) {
                telemetry.read(try subscriber.figures())
                backoff.succeeded()
                let next = ContinuousClock.now.advanced(by: settings.poll)
                while try subscriber.wait(until: next) { work.notify() }
            } catch {
                telemetry.lostDatabase(error)
                work.stop.wait(until: Deadline(after: backoff.failed(jitter: .random(in: 0...1))))
            }
        }
    }

    /// Tries the store where no object does.
    private func probe() {
        let tagger = ObjectTagger(settings.s3, credentials: work.credentials, clock: SystemClock())
        var credentials = 0
        while !work.stop.isSent {
            if let fresh = work.credentials(after: &credentials) { tagger.use(fresh) }
            var failure: Unavailable?
            do { try tagger.probe() } catch { failure = error }
            telemetry.probed(failure)
            work.stop.wait(until: Deadline(after: failure == nil ? Self.probeInterval : Self.recoveryInterval))
        }
    }
}
