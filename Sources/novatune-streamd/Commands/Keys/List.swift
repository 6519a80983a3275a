import ArgumentParser
import Cryptography
import KeyManagement
import SealedCache

extension Keys {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the versions, their sources and their numbers of seals.",
            discussion: """
                Reads the ring as 'serve' does, from the settings, or from --file. FINGERPRINT distinguishes keys and \
                reveals nothing about their bytes: two hosts whose fingerprints of one version differ have different \
                keys. SEALS counts the values that all responders on the shared cache have sealed, counted beside the \
                entries; a cache in the process has no such figure, its responder's metric novatune_cache_seals_total \
                does. A key must seal less than 2^32 = 4294967296 times; rotate at half of that.
                """
        )

        @OptionGroup var options: SettingsOptions

        @Option(
            name: .long, help: ArgumentHelp("A key ring's file instead of the one of the settings.", valueName: "file"))
        var file: String?

        func run() throws {
            let settings = try SettingsOptions.reportingErrors { () throws(SettingsError) in
                try SettingsReader.readKeys(options.source, file: file)
            }
            let ring = try Keys.reportingErrors { () throws(KeyRingError) in try settings.source.read() }
            let seals = Seals(settings.cache)
            row("VERSION", "CURRENT", "FINGERPRINT", "SEALS", "SOURCE")
            for version in ring.versions {
                guard let key = ring.keys[version] else { continue }
                let fingerprint = (try? key.fingerprint()) ?? ""
                row(
                    version, version == ring.current ? "yes" : "", fingerprint, seals.total(of: key),
                    settings.source.name)
            }
            if let failure = seals.failure { Console.error("the number of seals is not known: \(failure)") }
        }

        private func row(_ columns: String...) {
            let widths = [16, 8, 17, 11, 0]
            let padded = zip(columns, widths).map { text, width in
                text + String(repeating: " ", count: max(1, width - text.count))
            }
            Console.print(padded.joined().trimmingTrailingSpaces)
        }
    }
}

/// The figures that responders keep in the shared cache.
private final class Seals {
    private let store: (any ValueStore)?
    private let prefix: String
    private(set) var failure: String?

    init(_ cache: CacheSettings) {
        prefix = cache.prefix
        if case .server(let server) = cache.url {
            store = CurrentServer(server).makeStore(
                timeout: cache.timeout, longestTimeToLive: .zero, clock: SystemClock())
        } else {
            store = nil
            failure = "the cache is in the responder's process; see its metric novatune_cache_seals_total"
        }
    }

    func total(of key: SymmetricKey) -> String {
        guard let store, failure == nil else { return "-" }
        do {
            return String(try KeyUsage.total(of: key, in: store, prefix: prefix))
        } catch {
            failure = "\(error)"
            return "-"
        }
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = Substring(self)
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
