import Cryptography
import KeyManagement

/// The key ring that seals cache entries, as `keys new` makes it.
struct KeyRingStep: SetupStep {
    private static let mode: UInt32 = 0o640

    let context: SetupContext
    let title = "key ring"

    private var path: String { context.paths.keyRing }
    private var group: UInt32? { SetupFiles.group(named: context.paths.account) }

    func describe() -> String { "makes \(path), root:\(context.paths.account) 640" }

    func isDone() throws(SetupFailure) -> Bool {
        // Another ring, which check reads.
        guard context.text("NOVATUNE_CACHE_KEYS_FILE") == path else { return true }
        guard SetupFiles.exists(path) else { return false }
        do {
            _ = try KeyRingFile(path).read()
        } catch {
            throw SetupFailure("\(error)", advice: "restore it, or move it away for a new one")
        }
        return SetupFiles.permissions(of: path).map { $0.mode == Self.mode && $0.group == group } ?? false
    }

    func apply() throws(SetupFailure) -> String {
        guard let group else {
            throw SetupFailure("there is no group \(context.paths.account)", advice: "install the package")
        }
        try SetupFiles.makeDirectory(context.paths.configuration, mode: 0o750, group: group)
        let isNew = !SetupFiles.exists(path)
        if isNew {
            do throws(KeyRingError) {
                let ring = try KeyRing(current: "v1", keys: ["v1": SymmetricKey.random()])
                try KeyRingFile(path).create(.plain(ring))
            } catch {
                throw SetupFailure("\(error)", advice: "run setup as root, and look at the directory")
            }
            context.record.madeKeyRing = true
        }
        try SetupFiles.setAccess(path, mode: Self.mode, group: group)
        return isNew ? "made \(path)" : "\(path) has its group and mode"
    }

    func undo(withData: Bool) throws(SetupFailure) -> String? {
        guard withData, context.record.madeKeyRing, SetupFiles.exists(path) else { return nil }
        try SetupFiles.remove(path)
        context.record.madeKeyRing = false
        return "removed \(path)"
    }
}
