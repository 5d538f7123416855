"""What is refused about missions."""

from collections.abc import Sequence
from dataclasses import asdict

from loyalty.kernel.documents import Problem as Problem
from loyalty.kernel.errors import Conflict, InvalidInput, LimitReached, NotFound


class InvalidMission(InvalidInput):
    """A mission that could not be done or paid as it reads; ``problems`` in the details say which fields and why."""

    code = "invalid_mission"
    message = "任务设置不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class MissionNotFound(NotFound):
    """No mission has this id, or it was never published."""

    code = "mission_not_found"
    message = "没有找到该任务"


class MissionNotShareable(Conflict):
    """Friends do not count for the mission, or not now."""

    code = "mission_not_shareable"
    message = "该任务不是进行中的邀请任务"


class MissionNotInState(Conflict):
    """The mission's state does not allow it; the details name the state."""

    code = "mission_not_in_state"
    message = "任务当前的状态不允许此操作"


class NoMissionDraft(Conflict):
    """There is nothing to publish or to throw away."""

    code = "no_mission_draft"
    message = "没有待发布的草稿"


class MissionStepNotFound(NotFound):
    """The mission has no step with this target, or nobody could be in this period."""

    code = "mission_step_not_found"
    message = "没有找到任务的这一档奖励"


class MissionStepNotReached(Conflict):
    """The member is not there yet; the details say how far."""

    code = "mission_step_not_reached"
    message = "还没有达到这一档的目标"


class MissionRewardClaimed(Conflict):
    """The member has had this reward; the details tell of it."""

    code = "mission_reward_claimed"
    message = "这一档奖励已经领取过了"


class MissionClaimOver(Conflict):
    """The days in which a reward could be claimed are over."""

    code = "mission_claim_over"
    message = "已过领取时间"


class MissionPaused(Conflict):
    """The mission pays nothing for the time being."""

    code = "mission_paused"
    message = "任务奖励暂停发放，请稍后再来"


class MissionChannelOff(Conflict):
    """A channel by which friends came is off, and without them the step is not reached; it waits until it is on."""

    code = "mission_channel_off"
    message = "该分享渠道已关闭，恢复后可以领取"


class MissionRewardHeld(Conflict):
    """Risk wants somebody to look at it first; it is paid once that person lets it go."""

    code = "mission_reward_held"
    message = "奖励审核中，通过后自动到账"


class MissionRewardRefused(Conflict):
    """Risk refused the reward, or a person reversed it."""

    code = "mission_reward_refused"
    message = "未通过安全校验，奖励不予发放，如有疑问请联系客服"


class MissionBudgetSpent(LimitReached):
    """A limit of the mission has nothing left; the details name it."""

    code = "mission_budget_spent"
    message = "任务奖励已发完"
    retry_after_seconds = 60


class MissionMemberLimitReached(LimitReached):
    """The member has had as many rewards of the mission as one may have."""

    code = "mission_member_limit_reached"
    message = "已达到该任务每人可得的奖励次数"
