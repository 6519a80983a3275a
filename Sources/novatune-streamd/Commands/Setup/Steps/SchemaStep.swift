/// The schema, deployed by sqitch.
struct SchemaStep: SetupStep {
    let context: SetupContext
    let owner: OwnerDatabase
    let title = "schema"

    func describe() throws(SetupFailure) -> String {
        let pending = try pending().count
        return "deploys \(pending) \(pending == 1 ? "change" : "changes") of \(context.schemaDirectory) by sqitch"
    }

    func isDone() throws(SetupFailure) -> Bool { try pending().isEmpty }

    func apply() throws(SetupFailure) -> String {
        let pending = try pending()
        _ = try owner.sqitch(["deploy", "--verify"], project: context.schemaDirectory)
        guard try self.pending().isEmpty else {
            throw SetupFailure(
                "sqitch has ended without an error, and \(try self.pending().joined(separator: ", ")) is not deployed",
                advice: "run 'sqitch status' in \(context.schemaDirectory)")
        }
        return
            "deployed \(pending.count) \(pending.count == 1 ? "change" : "changes"), the last is \(pending.last ?? "")"
    }

    func undo(withData: Bool) throws(SetupFailure) -> String? {
        guard withData, try owner.exists(), try !owner.deployedChanges().isEmpty else { return nil }
        _ = try owner.sqitch(["revert", "-y"], project: context.schemaDirectory)
        return "reverted, with all rows; the empty database \(owner.name) stays"
    }

    /// Changes of the plan that the database lacks. One that has more is newer, and serves as well.
    private func pending() throws(SetupFailure) -> [String] {
        let plan = try SqitchPlan.read(context.schemaDirectory)
        guard try owner.exists() else { return plan.changes }
        let deployed = Set(try owner.deployedChanges())
        return plan.changes.filter { !deployed.contains($0) }
    }
}
