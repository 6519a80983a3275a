import Glibc
import OperatorSettings
import S3ObjectStore

// Compiled together with the settings of the program, which are no module of their own.

/// Secrets that stand beside whatever the file says.
private let secrets = [
    "NOVATUNE_S3_SECRET_ACCESS_KEY": "canary-of-the-store",
    "NOVATUNE_JWT_HS256_SECRET": "canary-of-the-tokens-of-32-bytes-and-more",
    "NOVATUNE_DATABASE_URL": "postgresql://u:canary-of-the-database@h/d",
]
/// What starts a program or asks a service: no file with one of these names is read.
private let leftOut = ["KEYS_COMMAND", "KMS_KEY_ID", "CREDENTIALS_COMMAND", "CREDENTIALS_SOURCE"].map { Array($0.utf8) }

private let path = "/dev/shm/novatune-settings-fuzz-\(getpid())"

/// A file of any content is either settings, or issues, of which none shows a secret.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard !leftOut.contains(where: { name in input.indices.contains { input[$0...].starts(with: name) } }) else {
        return -1
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0 && write(descriptor, start, count) == count)
    close(descriptor)
    defer { unlink(path) }
    for environment in [secrets, [:]] {
        let source = SettingsSource(environment: environment, configPath: path)
        do {
            let loaded = try SettingsReader.read(source, inherited: [:])
            precondition(
                loaded.settings.cacheTTLBuffer < loaded.settings.s3.presignExpiry
                    && (1...16).contains(loaded.settings.responder.loops))
            precondition(!"\(loaded)".contains("canary"))
        } catch {
            precondition(
                !error.issues.isEmpty
                    && error.issues.allSatisfy { !$0.description.isEmpty && !$0.description.contains("canary") })
        }
    }
    return 0
}
