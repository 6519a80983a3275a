import Cryptography
import KeyManagement
import Resilience

/// Reads the key ring again when a file of settings has changed, and on request. Another that is not valid is refused, and
/// the current one stays.
final class ChangedKeys: Sendable {
    private struct State: Sendable {
        var files: ChangedFiles
        var fresh: KeyRing?
    }

    private let source: @Sendable () -> SettingsSource
    private let telemetry: AuthorizationTelemetry
    private let state: Locked<State>

    /// - Parameter taken: the files as they were before they were read.
    init(_ source: @escaping @Sendable () -> SettingsSource, _ telemetry: AuthorizationTelemetry, taken: FileStamp) {
        self.source = source
        self.telemetry = telemetry
        state = Locked(State(files: ChangedFiles(taken: taken)))
    }

    /// A ring that was read since the last call.
    func take() -> KeyRing? {
        state.withLock { state in
            defer { state.fresh = nil }
            return state.fresh
        }
    }

    func readIfChanged() {
        let paths = source().watchedPaths
        if state.withLock({ $0.files.haveChanged(paths) }) { read() }
    }

    func read() {
        let source = source()
        state.withLock { $0.files.take(source.watchedPaths) }
        do {
            let ring = try SettingsReader.readKeyRing(source)
            state.withLock { $0.fresh = ring }
            telemetry.keysRead(nil)
        } catch {
            telemetry.keysRead(error.description)
        }
    }
}
